"""The datasets of a study and the uniform file each of them becomes.

This module imports no dataset library: a dataset's own module is imported when it is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from filterbench.data.contents import folder_digest
from filterbench.documents.parts import IMAGE_SIZE

if TYPE_CHECKING:
    from filterbench.data.splitting import RawImages


# Suffixes of the files that torchvision reads as images.
IMAGES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class DatasetEntry:
    """A dataset as the workflow knows it before reading it.

    Attributes:
        label: the name shown in figures.
        source: where the images come from.
        images: "module:function" that reads the images, given the user's folder of files (None: download
            them), a folder for downloads and, with `any_size`, the size in pixels.
        any_size: whether it gives images of any multiple of 32 pixels; otherwise their size is always 32.
        own_folder: whether the user's folder is the dataset, so that each folder has its own data file.
        classes: the classes' names in the order of their labels, for a data file that has none.
    """

    label: str
    source: str
    images: str
    any_size: bool = False
    own_folder: bool = False
    classes: tuple[str, ...] = ()


DATASETS: dict[str, DatasetEntry] = {
    "digits": DatasetEntry(
        "digits",
        "scikit-learn's copy of the UCI handwritten digits",
        "filterbench.data.digits:fetch",
        any_size=True,
    ),
    "fashion-mnist": DatasetEntry(
        "Fashion-MNIST",
        "Xiao et al. 2017, arXiv:1708.07747",
        "filterbench.data.fashion_mnist:fetch",
        # Section 2, table 2. Not in the data file: its digest is in the kept studies' documents.
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
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
        "a folder of images",
        "the user's own",
        "filterbench.data.image_folder:fetch",
        any_size=True,
        own_folder=True,
    ),
}


def fetch_images(name: str, folder: Path | None, downloads: Path, image_size: int) -> RawImages:
    """A dataset's images; see `DatasetEntry`.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files; None downloads them.
        downloads: where a download is kept.
        image_size: height and width of the study's images, in pixels.
    """
    entry = DATASETS[name]
    return resolve_name(entry.images)(folder, downloads, *((image_size,) if entry.any_size else ()))


def data_file(name: str, folder: str | None, image_size: int = IMAGE_SIZE) -> str:
    """Path of a dataset's uniform file, relative to the working directory.

    The name of a user's own images depends on what their folder contains, not on where it is.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files, if any.
        image_size: height and width of the images, in pixels.
    """
    digest = f"-{content_digest(name, folder)[:12]}" if DATASETS[name].own_folder and folder else ""
    size = f"-{image_size}" if image_size != IMAGE_SIZE else ""
    return f"data/{name}{digest}{size}.npz"


def content_digest(name: str, folder: str | None) -> str:
    """Digest of a user's folder of files, as `folder_digest`; empty without a folder.

    Args:
        name: a key of `DATASETS`.
        folder: the user's folder of files, if any.
    """
    return folder_digest(Path(folder), IMAGES if DATASETS[name].own_folder else ()) if folder else ""
