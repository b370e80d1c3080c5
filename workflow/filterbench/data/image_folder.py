"""A folder of class folders with images of any size, such as photos."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from filterbench.data.contents import is_hidden, skipped, users_files
from filterbench.data.registry import IMAGES
from filterbench.data.splitting import RawImages
from filterbench.storage.errors import InputError
from filterbench.storage.files import is_text

logger = logging.getLogger(__name__)

# By split, names of its folder; case does not matter, and `set` or the like may follow.
SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("val", "valid", "validation", "dev"),
}
AFTER_SPLIT = re.compile(r"[-_ ]?(set|data|images|split)$")
# With this many images per class, a fifth and a tenth of the rest still contain every class.
MIN_IMAGES = 15
# The formats of `IMAGES`. The library supports more, but starts other programs to read some of them.
FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
# Number of skipped names in the log, per reason.
MAX_LISTED = 5
# Behind transparent images.
BACKGROUND = (255, 255, 255, 255)


def fetch(folder: Path | None, downloads: Path, size: int) -> RawImages:
    """Read the images in RGB, each cropped to its centre square and resized to (size, size).

    The classes are the subfolders' names, in the order of these names as they are stored (in the training
    folder), which is torchvision's; deeper folders belong to their class. Names
    that differ only in how Unicode composes an accent are one class. If the folder contains `train` and
    `test` (or `training`, `Test`, ...), these contain the class folders, and
    `test` is the test split. Without `test`, a folder `val` (`valid`, ...) is the test split; beside `test`,
    its images are trained on. Transparent pixels become white.

    Args:
        folder: the folder.
        downloads: not used.
        size: height and width to resize to, in pixels.

    Raises:
        InputError: there is no folder, fewer than two classes, too few images of a class, different classes
            in the splits, a missing split or an unreadable image.
    """
    if folder is None:
        raise InputError(
            "dataset.folder: image-folder needs a folder that contains one folder of images per class"
        )
    train, test = _parts(folder)
    files = users_files(folder)
    listings = {part: _listing(part, files) for part in (*train, *test)}
    _check_classes(listings)
    names = list(listings[train[0]])
    samples = [
        (path, label, part in test)
        for part, classes in listings.items()
        for label, name in enumerate(names)
        for path in classes[name]
    ]
    _list_skipped(folder, set(files) - {path for path, _, _ in samples})
    images = np.stack([read_image(path, size) for path, _, _ in samples])
    labels = np.array([label for _, label, _ in samples], dtype=np.int64)
    held_out = np.flatnonzero([is_test for _, _, is_test in samples])
    return RawImages(images, labels, held_out if test else None, names)


def _parts(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders of class folders: those to train on, and the test split's, if there is a test split."""
    if not folder.is_dir():
        return [folder], []
    named: dict[str, list[Path]] = {split: [] for split in SPLITS}
    others: list[Path] = []
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name)):
        name = AFTER_SPLIT.sub("", path.name.lower())
        split = next((split for split, names in SPLITS.items() if name in names), None)
        (named[split] if split else others).append(path)
    found = [path.name for paths in named.values() for path in paths]
    if not found:
        return [folder], []
    if others or any(len(paths) > 1 for paths in named.values()):
        allowed = ", ".join(name for names in SPLITS.values() for name in names)
        names = ", ".join(repr(name) for name in (*found, *(path.name for path in others)))
        raise InputError(
            f"dataset.folder: {folder} contains {names}; allowed: splits ({allowed}), each once, or classes"
        )
    if not named["train"] or not (named["test"] or named["validation"]):
        raise InputError(
            f"dataset.folder: {folder} contains the split {found[0]!r} without "
            f"{'a test split' if named['train'] else 'train'}; add it, or put class folders there directly"
        )
    if not named["test"]:
        logger.info("%s is the test split, because there is no test folder", named["validation"][0].name)
        return named["train"], named["validation"]
    if named["validation"]:
        logger.info("%s joins the training images, of which a tenth is held out", named["validation"][0].name)
    return [*named["train"], *named["validation"]], named["test"]


def _listing(folder: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
    """By class, in the order of the stored names, the images among some files that are in class folders.

    Raises:
        InputError: the folder contains no folders.
    """
    found = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    images: dict[str, list[Path]] = {_composed(name): [] for name in sorted(found) if not is_hidden(name)}
    if not images:
        raise InputError(
            f"dataset.folder: {folder} must contain one folder of images per class, with files "
            f"{', '.join(IMAGES)}"
        )
    for name in images:
        if not is_text(name):
            raise InputError(
                f"dataset.folder: {folder / name}: the class's name is not UTF-8; rename the folder"
            )
    for path in files:
        if path.suffix.lower() in IMAGES and path.is_relative_to(folder):
            inside = path.relative_to(folder)
            if len(inside.parts) > 1:
                images[_composed(inside.parts[0])].append(path)
    return images


def _composed(name: str) -> str:
    """A folder's name with each accent in its letter: macOS stores `é` as two characters, Linux as one."""
    return unicodedata.normalize("NFC", name)


def _check_classes(listings: Mapping[Path, dict[str, list[Path]]]) -> None:
    (root, first), *others = listings.items()
    if len(first) < 2:
        raise InputError(f"dataset.folder: {root} has only the class {next(iter(first))!r}; at least 2")
    for other_root, other in others:
        if differing := sorted(first.keys() ^ other.keys()):
            raise InputError(
                f"dataset.folder: {root} and {other_root} must have the same classes; "
                f"one has no {', '.join(map(repr, differing))}"
            )
    for folder, classes in listings.items():
        least = MIN_IMAGES if folder == root else 1
        for name, paths in classes.items():
            if len(paths) < least:
                raise InputError(
                    f"dataset.folder: {folder / name} has {len(paths)} images; at least {least}; images are "
                    f"files {', '.join(IMAGES)}"
                )


def _list_skipped(folder: Path, others: Collection[Path]) -> None:
    """Log the files that are not read, by suffix or by reason.

    Args:
        folder: of the dataset.
        others: the user's files that are not read.
    """
    kinds = Counter(path.suffix.lower() or "without suffix" for path in others)
    listed = [
        f"{number} {kind}{' outside class folders' if kind in IMAGES else ''}"
        for kind, number in sorted(kinds.items())
    ]
    by_reason: dict[str, list[str]] = {}
    for path, reason in skipped(folder):
        by_reason.setdefault(reason, []).append(path.name)
    for reason, names in by_reason.items():
        listed.append(f"{len(names)} {reason}: {', '.join(sorted(set(names))[:MAX_LISTED])}")
    if listed:
        logger.info("skipped: %s; images are files %s", "; ".join(listed), ", ".join(IMAGES))


def read_image(path: Path, size: int) -> np.ndarray:
    """An image in RGB, cropped to its centre square and resized: uint8, (3, size, size).

    Args:
        path: the file, in one of `FORMATS`.
        size: height and width to resize to, in pixels.

    Raises:
        InputError: it cannot be read, or has more than 8 bits per channel.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith(("I", "F")):
                raise InputError(f"{path}: {upright.mode} pixels; an image needs 8 bits per channel")
            square = ImageOps.fit(_opaque(upright), (size, size), Image.Resampling.BICUBIC)
    except InputError:
        raise
    except Exception as reason:  # A damaged file can raise anything in the library.
        raise InputError(
            f"{path}: not a readable image, as {', '.join(FORMATS)} ({reason}); repair or remove it"
        ) from reason
    return np.asarray(square).transpose(2, 0, 1)


def _opaque(image: Image.Image) -> Image.Image:
    """An image in RGB; the background shows through transparent pixels."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    visible = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", visible.size, BACKGROUND), visible).convert("RGB")
