"""From a dataset's images to the fixed, stratified train/validation/test split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

SPLIT_SEED = 0
TEST_FRACTION = 0.2
# With one, no split could have an image of the class and leave the others one.
FEWEST = 2
VALIDATION_FRACTION = 0.1


@dataclass(frozen=True)
class RawImages:
    """A dataset as its publisher gives it.

    Attributes:
        images: uint8, (n, 1 or 3, size, size).
        labels: int64, (n,), classes counted from 0.
        test: indices of the publisher's test images; None where there is no such split.
    """

    images: np.ndarray
    labels: np.ndarray
    test: np.ndarray | None = None


def faults_of(raw: RawImages, image_size: int) -> Iterator[str]:
    """What the other stages could not work with, of a study's images of this height and width."""
    images, labels = raw.images, raw.labels
    size = image_size, image_size
    if images.dtype != np.uint8 or images.shape[1:] not in ((1, *size), (3, *size)):
        allowed = f"uint8, (n, 1 or 3, {image_size}, {image_size})"
        yield f"images are {images.dtype} {images.shape}; allowed: {allowed}"
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        yield f"labels are {labels.dtype} {labels.shape}; allowed: an integer an image"
        return
    classes, sizes = np.unique(labels, return_counts=True)
    if not np.array_equal(classes, np.arange(len(classes))):
        yield f"labels are {classes.min()} to {classes.max()}, {len(classes)} classes; count them from 0"
    if sizes.min() < FEWEST:
        yield f"class {classes[sizes.argmin()]} has {sizes.min()} images; at least {FEWEST}"


def split(raw: RawImages) -> dict[str, np.ndarray]:
    """Divide the images into train, validation and test, each class in proportion.

    The publisher's test images stay the test split; without them a fifth of all images becomes
    it. A tenth of the rest becomes the validation split. Each split is in random order, so that
    its first n images are a sample of it.

    Returns:
        Indices into `raw.images` by split name, int64, disjoint, together all images.
    """
    everything = np.arange(len(raw.labels))
    if raw.test is None:
        rest, test = _stratified(everything, raw.labels, TEST_FRACTION)
    else:
        test = np.random.default_rng(SPLIT_SEED).permutation(raw.test)
        rest = np.setdiff1d(everything, test)
    train, validation = _stratified(rest, raw.labels, VALIDATION_FRACTION)
    return {"train": train, "validation": validation, "test": test}


def _stratified(indices: np.ndarray, labels: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    larger, smaller = train_test_split(
        indices, test_size=fraction, stratify=labels[indices], random_state=SPLIT_SEED
    )
    return larger, smaller
