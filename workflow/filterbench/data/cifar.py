"""CIFAR-10 and CIFAR-100: 60,000 colour images of 32 by 32 pixels, downloaded or read from a folder."""

from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10, CIFAR100

from filterbench.data.downloading import download
from filterbench.data.splitting import RawImages
from filterbench.storage.errors import InputError

__all__ = ["CIFAR10", "CIFAR100", "fetch", "fetch_cifar10", "fetch_cifar100"]


def fetch_cifar10(folder: Path | None, downloads: Path) -> RawImages:
    """CIFAR-10; see `fetch`."""
    return fetch(CIFAR10, folder, downloads)


def fetch_cifar100(folder: Path | None, downloads: Path) -> RawImages:
    """CIFAR-100; see `fetch`."""
    return fetch(CIFAR100, folder, downloads)


def fetch(dataset: type[CIFAR10], folder: Path | None, downloads: Path) -> RawImages:
    """Read the images; the publisher's test images are the test split.

    Args:
        dataset: `CIFAR10`, or `CIFAR100` with its 100 fine classes.
        folder: contains `cifar-10-batches-py` or `cifar-100-python`, whose files torchvision checks; None
            downloads them.
        downloads: where a download is kept.

    Raises:
        InputError: no network, or the files are missing or have the wrong checksum.
    """
    if folder is None:
        train = download(dataset, downloads, f"the folder {dataset.base_folder}")
        folder = Path(train.root)
    try:
        parts = [dataset(folder, train=is_train) for is_train in (True, False)]
    except RuntimeError as reason:
        raise InputError(
            f"{folder / dataset.base_folder}: the python files are missing or have the wrong checksum; "
            f"dataset.folder must be the folder that contains {dataset.base_folder}"
        ) from reason
    images = np.concatenate([part.data for part in parts]).transpose(0, 3, 1, 2)
    labels = np.concatenate([np.asarray(part.targets) for part in parts])
    first_test = len(parts[0].data)
    return RawImages(
        np.ascontiguousarray(images), labels, np.arange(first_test, len(labels)), parts[0].classes
    )
