"""How many images a training costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Settings by key, as a study gives them.
Settings = dict[str, Any]
# Prefix of a job's inputs that say what another pruner's cell was trained on; that pruner's name follows.
REFERENCE = "reference_"
# Name of a job's input that holds the weights of the net from which it distils.
TEACHER = "teacher"
# Cost of an image that passes through a net once: a training step does a forward and a backward pass, and the
# backward pass costs twice the forward one.
FORWARD_PASS = 1 / 3


def whole_batches(images: int, wanted: int) -> tuple[int, int]:
    """Images per batch, at most all of them, and complete batches per epoch."""
    size = min(wanted, images)
    return size, images // size


def distils(settings: Settings) -> bool:
    """Whether a training has a teacher: its distillation has a weight above 0."""
    return settings.get("distillation", {}).get("weight", 0) > 0


def images_shown(settings: Settings, images: int) -> int:
    """Images that the steps of a training process; its settings have `epochs` and `batch_size`."""
    size, batches = whole_batches(images, settings["batch_size"])
    return settings["epochs"] * size * batches


def images_in_a_pass(settings: Settings, images: int) -> int:
    """The cost of one epoch over a number of images, in trained images.

    An image that a teacher classifies, too, costs 4/3.
    """
    shown = images_shown(settings | {"epochs": 1}, images)
    return shown + round(FORWARD_PASS * shown) if distils(settings) else shown


def images_trained(settings: Settings, images: int) -> int:
    """The cost of a training with a number of images, in trained images.

    Args:
        settings: of the training, with `epochs` and `batch_size`.
        images: how many there are to train with.

    Returns:
        The images of all epochs, with a third of an image for each image that a teacher classified, and for
        each image on which BatchNorm statistics were estimated again.
    """
    recalibrated = min(settings.get("recalibrate", 0), images)
    return settings["epochs"] * images_in_a_pass(settings, images) + round(FORWARD_PASS * recalibrated)


def images_trained_sparse(cell: Mapping[str, Any], images: int) -> int:
    """Images that the sparse training before a cell's pruning processes; 0 where it has none.

    Args:
        cell: as documents record it.
        images: how many there are to train with.
    """
    return images_trained(cell["sparse_training"], images) if "sparse_training" in cell else 0


def epochs_for(trained: int, settings: Settings, images: int) -> int:
    """The number of epochs whose cost is nearest to so many trained images; may be 0."""
    return max(0, round(trained / images_in_a_pass(settings, images)))
