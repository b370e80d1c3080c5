"""From a dataset's own files to the uniform file."""

import logging
from collections import defaultdict
from pathlib import Path

import numpy as np

from filterbench.data.copies import count_copies, digests_of
from filterbench.data.file import ImageFile, write_images
from filterbench.data.registry import fetch_images
from filterbench.data.splitting import RawImages, faults_of, split
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)


def prepare_data(
    name: str, folder: Path | None, downloads: Path, path: Path, image_size: int = IMAGE_SIZE
) -> ImageFile:
    """Fetch a dataset, split it and write `path`.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder with the dataset's files; None downloads them.
        downloads: where a download is kept.
        path: the file to write.
        image_size: height and width of the study's images, in pixels.

    Raises:
        InputError: the dataset's files are missing, or its images or labels are faulty.
    """
    raw = fetch_images(name, folder, downloads, image_size)
    for fault in faults_of(raw, image_size):
        raise InputError(f"dataset {name}: {fault}")
    try:
        splits = split(raw)
    except InputError as reason:
        raise InputError(f"dataset {name}: {reason}") from reason
    mean, std = _channel_statistics(raw.images[splits["train"]])
    _warn_of_copies(raw, splits)
    names = np.array(raw.classes, dtype=str)
    content = ImageFile(raw.images, raw.labels.astype(np.int64), mean, std, names, splits)
    write_images(path, content)
    return content


def _channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel on the scale 0..1, from histograms to spare memory."""
    levels = np.arange(256) / 255
    shares = [np.bincount(images[:, channel].ravel(), minlength=256) for channel in range(images.shape[1])]
    means = [np.average(levels, weights=share) for share in shares]
    variances = [
        np.average((levels - mean) ** 2, weights=share) for mean, share in zip(means, shares, strict=True)
    ]
    constant = [np.count_nonzero(share) == 1 for share in shares]
    for channel in np.flatnonzero(constant):
        logger.warning(
            "channel %d of %d has the value %d in all training images, so that a net learns nothing from it",
            channel + 1,
            len(shares),
            shares[channel].argmax(),
        )
    spreads = np.where(constant, 1.0, np.sqrt(variances))
    return np.array(means, dtype=np.float32), spreads.astype(np.float32)


def _warn_of_copies(raw: RawImages, splits: dict[str, np.ndarray]) -> None:
    """Warn of images that are equal, pixel by pixel, in the test split and outside it or under two labels."""
    digests = digests_of(raw.images)
    test, others = (
        [digests[index] for name in names for index in splits[name]]
        for names in (["test"], ["train", "validation"])
    )
    copies = count_copies(test, others)
    if copies:
        logger.warning(
            "%d of %d test images have an exact copy among the training or validation images: the accuracies "
            "are too high",
            copies,
            len(test),
        )
    labels: dict[bytes, set[int]] = defaultdict(set)
    for digest, label in zip(digests, raw.labels.tolist(), strict=True):
        labels[digest].add(label)
    ambiguous = sum(len(labels[digest]) > 1 for digest in digests)
    if ambiguous:
        logger.warning("%d of %d images have an exact copy in another class", ambiguous, len(digests))
