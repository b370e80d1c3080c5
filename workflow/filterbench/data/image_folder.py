"""A folder of class folders of images, such as photos, of any sizes."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from filterbench.data.contents import is_hidden, users_files
from filterbench.data.splitting import RawImages
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)

# Names of folders that hold a split, by split; case does not matter.
TRAIN = ("train", "training")
TEST = ("test", "testing")
VALIDATION = ("val", "valid", "validation", "dev")
SPLITS = (*TRAIN, *TEST, *VALIDATION)
# With so many, a fifth and a tenth of the rest still hold every class.
FEWEST = 15
# What shows through a transparent image.
BACKGROUND = (255, 255, 255, 255)


class _Classes(ImageFolder):
    """torchvision's, without folders that no person made as a class."""

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """Names of the class folders in alphabetical order, and their labels."""
        folders = [path.name for path in Path(directory).iterdir() if path.is_dir()]
        names = sorted(name for name in folders if not is_hidden(name))
        if not names:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return names, {name: label for label, name in enumerate(names)}


def fetch(folder: Path | None, downloads: Path, size: int) -> RawImages:
    """Read the images in RGB, each cut to its centre square and resized to (size, size).

    The classes are the subfolders' names in alphabetical order; deeper folders belong to their class. If the
    folder holds `train` and `test` (or `training`, `Test`, ...), these hold the class folders, and `test` is
    the test split. A `val` (`valid`, ...) is the test split where there is no other; beside one, its images
    are trained on. What is transparent is laid on white.

    Args:
        folder: the folder.
        downloads: not used.
        size: height and width to resize to, in pixels.

    Raises:
        InputError: no folder is given, it has fewer than two classes, a class has too few images, the splits
            have different classes or one of them is missing, or an image cannot be read.
    """
    if folder is None:
        raise InputError(
            "dataset.folder: image-folder needs a folder that holds a folder of images for each class"
        )
    train, test = _parts(folder)
    rest = [_listing(part) for part in train]
    held_out = [_listing(part) for part in test]
    _check_classes([*rest, *held_out])
    _tell_left_out(folder)
    listings = [*rest, *held_out]
    samples = [sample for listing in listings for sample in listing.samples]
    images = np.stack([_read(Path(path), size) for path, _ in samples])
    labels = np.array([label for _, label in samples], dtype=np.int64)
    first = sum(len(listing.samples) for listing in rest)
    return RawImages(images, labels, np.arange(first, len(samples)) if held_out else None)


def _parts(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders that hold class folders: those to train on, and that of the test split, if there is one."""
    if not folder.is_dir():
        return [folder], []
    named: dict[str, list[Path]] = {"train": [], "test": [], "validation": []}
    others: list[Path] = []
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name)):
        splits = {"train": TRAIN, "test": TEST, "validation": VALIDATION}
        split = next((split for split, names in splits.items() if path.name.lower() in names), None)
        (named[split] if split else others).append(path)
    found = [path.name for paths in named.values() for path in paths]
    if not found:
        return [folder], []
    if others or any(len(paths) > 1 for paths in named.values()):
        names = ", ".join(repr(name) for name in (*found, *(path.name for path in others)))
        raise InputError(
            f"dataset.folder: {folder} holds {names}: splits ({', '.join(SPLITS)}), each once, or classes, "
            "not both"
        )
    if not named["train"] or not (named["test"] or named["validation"]):
        raise InputError(
            f"dataset.folder: {folder} holds the split {found[0]!r} without "
            f"{'a test split' if named['train'] else 'train'}; without splits, put the class folders into it"
        )
    if not named["test"]:
        logger.info("%s is the test split; there is no other", named["validation"][0].name)
        return named["train"], named["validation"]
    if named["validation"]:
        logger.info("%s joins the training images, of which a tenth is held out", named["validation"][0].name)
    return [*named["train"], *named["validation"]], named["test"]


def _listing(folder: Path) -> ImageFolder:
    """The images of a folder's class folders."""
    try:
        return _Classes(folder)
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


def _tell_left_out(folder: Path) -> None:
    """How many files are no images that can be read, by their suffix."""
    others = Counter(path.suffix.lower() or "no suffix" for path in users_files(folder))
    left_out = {suffix: number for suffix, number in others.items() if suffix not in IMG_EXTENSIONS}
    if left_out:
        listed = ", ".join(f"{number} {suffix}" for suffix, number in sorted(left_out.items()))
        logger.info(
            "left out: %d files (%s); read are %s", sum(left_out.values()), listed, ", ".join(IMG_EXTENSIONS)
        )


def _read(path: Path, size: int) -> np.ndarray:
    """An image as uint8, (3, size, size)."""
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith(("I", "F")):
                raise InputError(f"{path}: {upright.mode} pixels; an image needs 8 bits a channel")
            square = ImageOps.fit(_opaque(upright), (size, size), Image.Resampling.BICUBIC)
    except InputError:
        raise
    except Exception as reason:  # The library raises whatever a damaged file leads it to.
        raise InputError(f"{path}: not a readable image ({reason}); mend it or take it away") from reason
    return np.asarray(square).transpose(2, 0, 1)


def _opaque(image: Image.Image) -> Image.Image:
    """An image in RGB; what is transparent shows the background."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    visible = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", visible.size, BACKGROUND), visible).convert("RGB")
