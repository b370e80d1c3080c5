"""Template for your own dataset: 600 images of bright squares, whose position is their class."""

from pathlib import Path

import numpy as np

from filterbench.data.registry import DatasetEntry
from filterbench.data.splitting import RawImages


def fetch(folder: Path | None, downloads: Path) -> RawImages:
    """Images and labels; these are drawn, yours are read from `folder` or downloaded.

    Args:
        folder: the study's `dataset.folder`; None if it is not set.
        downloads: where a download is kept.
    """
    draw = np.random.default_rng(0)
    labels = np.arange(600, dtype=np.int64) % 4
    images = draw.integers(0, 60, (600, 1, 32, 32), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 4 + 14 * (label // 2), 4 + 14 * (label % 2)
        image[0, top : top + 10, left : left + 10] += np.uint8(120)
    corners = ["top left", "top right", "bottom left", "bottom right"]
    return RawImages(images, labels, classes=corners)


# Label in figures, source, and the function above.
DATASETS = {"squares": DatasetEntry("squares", "drawn by this file", "own_dataset:fetch")}
