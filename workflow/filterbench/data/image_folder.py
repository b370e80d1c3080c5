"""A folder of class folders of images, such as photos, of any sizes."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from filterbench.data.splitting import RawImages
from filterbench.storage.errors import InputError

SIZE = (32, 32)
PARTS = ("train", "test")
# With so many, a fifth and a tenth of the rest still hold every class.
FEWEST = 15


def fetch(folder: Path | None, downloads: Path) -> RawImages:
    """Read the images in RGB, each cut to its centre square and resized to 32x32.

    The classes are the subfolders' names in alphabetical order; deeper folders belong to their class. If
    the folder holds `train` and `test`, these hold the class folders, and `test` is the test split.

    Args:
        folder: the folder.
        downloads: not used.

    Raises:
        InputError: no folder is given, it has fewer than two classes, a class has too few images, train and
            test have different classes, or an image cannot be read.
    """
    if folder is None:
        raise InputError(
            "dataset.folder: image-folder needs a folder that holds a folder of images for each class"
        )
    parts = [folder / part for part in PARTS]
    split = all(part.is_dir() for part in parts)
    listings = [_listing(part) for part in (parts if split else [folder])]
    _check_classes(listings)
    samples = [sample for listing in listings for sample in listing.samples]
    images = np.stack([_read(Path(path)) for path, _ in samples])
    labels = np.array([label for _, label in samples], dtype=np.int64)
    test = np.arange(len(listings[0].samples), len(samples)) if split else None
    return RawImages(images, labels, test)


def _listing(folder: Path) -> ImageFolder:
    """The images of a folder's class folders."""
    try:
        return ImageFolder(folder)
    except OSError as reason:
        raise InputError(
            f"dataset.folder: {folder} must hold a folder of images for each class, with files "
            f"{', '.join(IMG_EXTENSIONS)} ({reason})"
        ) from reason


def _check_classes(listings: list[ImageFolder]) -> None:
    first = listings[0]
    if len(first.classes) < 2:
        raise InputError(f"dataset.folder: {first.root} has the class {first.classes[0]!r} alone; at least 2")
    for other in listings[1:]:
        if differing := sorted(set(first.classes) ^ set(other.classes)):
            raise InputError(
                f"dataset.folder: {first.root} and {other.root} must have the same classes; "
                f"one has no {', '.join(map(repr, differing))}"
            )
    for name, count in zip(first.classes, np.bincount(first.targets), strict=True):
        if count < FEWEST:
            raise InputError(
                f"dataset.folder: {Path(first.root) / name} has {count} images; at least {FEWEST}"
            )


def _read(path: Path) -> np.ndarray:
    """An image as uint8, (3, 32, 32)."""
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith(("I", "F")):
                raise InputError(f"{path}: {upright.mode} pixels; an image needs 8 bits a channel")
            square = ImageOps.fit(upright.convert("RGB"), SIZE, Image.Resampling.BICUBIC)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as reason:
        raise InputError(f"{path}: not a readable image ({reason}); mend it or take it away") from reason
    return np.asarray(square).transpose(2, 0, 1)
