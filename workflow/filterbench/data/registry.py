"""The datasets of a study and the uniform file each of them becomes.

This module imports no dataset library: a dataset's own module is imported when it is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from filterbench.data.contents import folder_digest

if TYPE_CHECKING:
    from filterbench.data.splitting import RawImages


# Suffixes of the files that torchvision takes for images.
IMAGES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class DatasetEntry:
    """What the workflow needs to know of a dataset.

    Attributes:
        label: the name shown in figures.
        source: where the images come from.
        images: "module:function" that reads the images, given the user's folder of files (None: get them) and
            a folder for downloads.
        own_folder: whether the user's folder is the dataset, so that each has a data file of its own.
    """

    label: str
    source: str
    images: str
    own_folder: bool = False


DATASETS: dict[str, DatasetEntry] = {
    "digits": DatasetEntry(
        "digits", "scikit-learn's copy of the UCI handwritten digits", "filterbench.data.digits:fetch"
    ),
    "fashion-mnist": DatasetEntry(
        "Fashion-MNIST", "Xiao et al. 2017, arXiv:1708.07747", "filterbench.data.fashion_mnist:fetch"
    ),
    "cifar10": DatasetEntry(
        "CIFAR-10",
        "Krizhevsky 2009, Learning Multiple Layers of Features",
        "filterbench.data.cifar:fetch_cifar10",
    ),
    "cifar100": DatasetEntry(
        "CIFAR-100",
        "Krizhevsky 2009, Learning Multiple Layers of Features",
        "filterbench.data.cifar:fetch_cifar100",
    ),
    "image-folder": DatasetEntry(
        "a folder of images", "the user's own", "filterbench.data.image_folder:fetch", True
    ),
}


def fetch_images(name: str, folder: Path | None, downloads: Path) -> RawImages:
    """A dataset's images; see `DatasetEntry`.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files; None gets them.
        downloads: where a download is kept.
    """
    return resolve_name(DATASETS[name].images)(folder, downloads)


def data_file(name: str, folder: str | None) -> str:
    """Path of a dataset's uniform file, relative to the working directory.

    A user's own images are known by what their folder holds, wherever it lies.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files, if any.
    """
    if DATASETS[name].own_folder and folder:
        name += f"-{content_digest(name, folder)[:12]}"
    return f"data/{name}.npz"


def content_digest(name: str, folder: str | None) -> str:
    """Digest of a user's folder of files; empty where there is none.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files, if any.
    """
    return folder_digest(Path(folder), IMAGES if DATASETS[name].own_folder else ()) if folder else ""
