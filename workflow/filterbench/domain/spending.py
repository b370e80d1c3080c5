"""How many images a training processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Settings by key, as a study gives them.
Settings = dict[str, Any]
# Prefix of a job's inputs that say what another pruner's cell was trained on; that pruner's name follows.
REFERENCE = "reference_"


def whole_batches(images: int, wanted: int) -> tuple[int, int]:
    """Images per batch, at most all of them, and complete batches per epoch."""
    size = min(wanted, images)
    return size, images // size


def images_in_a_pass(settings: Settings, images: int) -> int:
    """Images that one epoch trains on, of the given number; the settings have `batch_size`."""
    size, batches = whole_batches(images, settings["batch_size"])
    return size * batches


def images_trained(settings: Settings, images: int) -> int:
    """Images that a training processes; its settings have `epochs` and `batch_size`."""
    return settings["epochs"] * images_in_a_pass(settings, images)


def images_trained_sparse(cell: Mapping[str, Any], images: int) -> int:
    """Images that the sparse training before a cell's pruning processes; 0 where it has none.

    Args:
        cell: as documents record it.
        images: how many there are to train with.
    """
    return images_trained(cell["sparse_training"], images) if "sparse_training" in cell else 0


def epochs_for(trained: int, settings: Settings, images: int) -> int:
    """The number of epochs that is nearest to so many trained images; may be 0."""
    return max(0, round(trained / images_in_a_pass(settings, images)))
