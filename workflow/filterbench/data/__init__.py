"""The datasets of a study and the uniform file each of them becomes.

This module imports no dataset library: a dataset's own module is imported when it is fetched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filterbench.data.splitting import RawImages


@dataclass(frozen=True)
class DatasetEntry:
    """What the workflow needs to know of a dataset.

    Attributes:
        label: the name shown in figures.
        source: where the images come from.
        fetch: reads the images, given the user's folder of files (None: get them) and a folder
            for downloads.
        own_folder: whether the user's folder is the dataset, so that each has a data file of its own.
    """

    label: str
    source: str
    fetch: Callable[[Path | None, Path], RawImages]
    own_folder: bool = False


def _digits(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.digits import fetch

    return fetch(folder, downloads)


def _fashion_mnist(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.fashion_mnist import fetch

    return fetch(folder, downloads)


def _cifar10(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.cifar import CIFAR10, fetch

    return fetch(CIFAR10, folder, downloads)


def _cifar100(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.cifar import CIFAR100, fetch

    return fetch(CIFAR100, folder, downloads)


def _image_folder(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.image_folder import fetch

    return fetch(folder, downloads)


DATASETS: dict[str, DatasetEntry] = {
    "digits": DatasetEntry("digits", "scikit-learn's copy of the UCI handwritten digits", _digits),
    "fashion-mnist": DatasetEntry("Fashion-MNIST", "Xiao et al. 2017, arXiv:1708.07747", _fashion_mnist),
    "cifar10": DatasetEntry("CIFAR-10", "Krizhevsky 2009, Learning Multiple Layers of Features", _cifar10),
    "cifar100": DatasetEntry("CIFAR-100", "Krizhevsky 2009, Learning Multiple Layers of Features", _cifar100),
    "image-folder": DatasetEntry("a folder of images", "the user's own", _image_folder, True),
}


def data_file(name: str, folder: str | None) -> str:
    """Path of a dataset's uniform file, relative to the working directory.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files, if any.
    """
    if DATASETS[name].own_folder and folder:
        name += "-" + re.sub(r"[^\w.-]+", "-", Path(folder).resolve().name)
    return f"data/{name}.npz"


def listing_digest(name: str, folder: str | None) -> str | None:
    """Digest of the names and sizes of all files in a user's folder that is itself the dataset.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files, if any.
    """
    if not DATASETS[name].own_folder or not folder:
        return None
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    listing = sorted((str(path), path.stat().st_size) for path in files)
    return hashlib.sha256(repr(listing).encode()).hexdigest()
