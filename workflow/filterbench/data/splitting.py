"""From a dataset's images to the fixed, stratified train/validation/test split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from filterbench.storage.errors import InputError

SPLIT_SEED = 0
TEST_FRACTION = 0.2
# With one image, only one split could have an image of the class.
FEWEST = 2
VALIDATION_FRACTION = 0.1


@dataclass(frozen=True)
class RawImages:
    """A dataset as published.

    Attributes:
        images: uint8, (n, 1 or 3, size, size).
        labels: int64, (n,), classes counted from 0.
        test: indices of the publisher's test images; None without such a split.
        classes: the classes' names in the order of their labels; empty where they have none.
    """

    images: np.ndarray
    labels: np.ndarray
    test: np.ndarray | None = None
    classes: Sequence[str] = ()


def faults_of(raw: RawImages, image_size: int) -> Iterator[str]:
    """Faults that the other stages could not work with, in images of this height and width."""
    for name in ("images", "labels", "test"):
        value = getattr(raw, name, None)
        if not isinstance(value, np.ndarray) and not (name == "test" and value is None):
            yield f"{name} are {type(value).__name__}; allowed: a numpy array"
            return
    images, labels = raw.images, raw.labels
    size = image_size, image_size
    if images.dtype != np.uint8 or images.shape[1:] not in ((1, *size), (3, *size)):
        allowed = f"uint8, (n, 1 or 3, {image_size}, {image_size})"
        yield f"images are {images.dtype} {images.shape}; allowed: {allowed}"
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        yield f"labels are {labels.dtype} {labels.shape}; allowed: one integer per image"
        return
    classes, sizes = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        yield f"the number of classes is {len(classes)}; at least 2"
        return
    if not np.array_equal(classes, np.arange(len(classes))):
        yield f"labels are {classes.min()} to {classes.max()}, {len(classes)} classes; count them from 0"
    if sizes.min() < FEWEST:
        yield f"class {classes[sizes.argmin()]} has {sizes.min()} images; at least {FEWEST}"
    if raw.test is not None:
        yield from _faults_of_test(raw.test, len(labels))
    if not _are_names(raw.classes, len(classes)):
        yield f"classes are {raw.classes!r}; allowed: a list of {len(classes)} different names, or none"


def _are_names(named: object, classes: int) -> bool:
    """Whether this is a list with a different name for each class, or an empty one."""
    if not isinstance(named, list | tuple) or not all(isinstance(name, str) and name for name in named):
        return False
    return not named or len(named) == len(set(named)) == classes


def _faults_of_test(test: np.ndarray, images: int) -> Iterator[str]:
    """Faults in the indices of the publisher's test images."""
    allowed = f"different indices from 0 to {images - 1}, at least one and not all"
    if test.ndim != 1 or not np.issubdtype(test.dtype, np.integer):
        yield f"test is {test.dtype} {test.shape}; allowed: {allowed}"
        return
    found = np.unique(test)
    if len(found) < len(test) or not 0 < len(found) < images or found[0] < 0 or found[-1] >= images:
        yield f"test has {len(test)} indices, {len(found)} different ones; allowed: {allowed}"


def split(raw: RawImages) -> dict[str, np.ndarray]:
    """Divide the images into train, validation and test, each class in proportion.

    The publisher's test images stay the test split; without them, a fifth of all images becomes the test
    split. A tenth of the rest becomes the validation split. Each split is in random order, so that its first
    n images are a sample of it.

    Returns:
        Indices into `raw.images` by split name, int64, disjoint, together all images.

    Raises:
        InputError: a class has too few images to be in each split.
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
    # Imported here because it takes a second, and whoever only reads images does not need it.
    from sklearn.model_selection import train_test_split

    try:
        larger, smaller = train_test_split(
            indices, test_size=fraction, stratify=labels[indices], random_state=SPLIT_SEED
        )
    except ValueError as reason:
        classes, sizes = np.unique(labels[indices], return_counts=True)
        raise InputError(
            f"{len(indices)} images of {len(classes)} classes ({sizes.min()} of class "
            f"{classes[sizes.argmin()]}) cannot be divided so that {fraction:.0%} of them and the rest "
            "both have each class; add images"
        ) from reason
    return larger, smaller
