"""CIFAR-10: 60,000 colour images of 32x32, downloaded or read from a folder that has them."""

from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10

from filterbench.data.downloading import download
from filterbench.data.splitting import RawImages
from filterbench.errors import InputError


def fetch(folder: Path | None, downloads: Path) -> RawImages:
    """Read the images; the publisher's test batch is the test split.

    Args:
        folder: holds `cifar-10-batches-py`, whose files torchvision checks; None downloads it.
        downloads: where a download is kept.

    Raises:
        InputError: no network, or the files are missing or have the wrong checksum.
    """
    if folder is None:
        train = download(CIFAR10, downloads, "the folder cifar-10-batches-py of CIFAR-10")
        folder = Path(train.root)
    try:
        parts = [CIFAR10(folder, train=is_train) for is_train in (True, False)]
    except RuntimeError as reason:
        raise InputError(
            f"{folder / CIFAR10.base_folder}: the python files are missing or have the wrong checksum; "
            "dataset.folder must name the folder that holds cifar-10-batches-py"
        ) from reason
    images = np.concatenate([part.data for part in parts]).transpose(0, 3, 1, 2)
    labels = np.concatenate([np.asarray(part.targets) for part in parts])
    first_test = len(parts[0].data)
    return RawImages(np.ascontiguousarray(images), labels, test=np.arange(first_test, len(labels)))
