"""How many images trainings go through, from what documents and studies say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Names of a job's inputs that say what another pruner's cell was trained on: this, and that pruner's name.
REFERENCE = "reference_"


def whole_batches(images: int, wanted: int) -> tuple[int, int]:
    """Images of a batch, which has at most all of them, and batches of a pass, without an incomplete one."""
    size = min(wanted, images)
    return size, images // size


def images_in_a_pass(settings: Mapping[str, Any], images: int) -> int:
    """Images that one epoch trains on.

    Args:
        settings: of a training, with `batch_size`.
        images: how many there are to train with.
    """
    size, batches = whole_batches(images, settings["batch_size"])
    return size * batches


def images_trained(settings: Mapping[str, Any], images: int) -> int:
    """Images that a training goes through, with `epochs` among its settings."""
    return settings["epochs"] * images_in_a_pass(settings, images)


def epochs_for(trained: int, settings: Mapping[str, Any], images: int) -> int:
    """The number of epochs that comes nearest to so many trained images; may be 0."""
    return max(0, round(trained / images_in_a_pass(settings, images)))
