"""Fashion-MNIST: 70,000 grey images of 28x28, downloaded or read from a folder of idx files."""

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor
from torchvision.datasets import FashionMNIST
from torchvision.datasets.mnist import read_image_file, read_label_file

from filterbench.data.downloading import download
from filterbench.data.splitting import RawImages
from filterbench.storage.errors import InputError

PARTS = ("train", "t10k")
BORDER = 2
# The size of the largest file, the training images with their header.
MAX_BYTES = 60_000 * 28 * 28 + 16


def fetch(folder: Path | None, downloads: Path) -> RawImages:
    """Read the images with a black border of 2 pixels; the publisher's t10k part is the test split.

    Args:
        folder: contains the four idx files, plain or as .gz; None downloads them.
        downloads: where a download is kept.

    Raises:
        InputError: no network, or a file is missing or cannot be read.
    """
    if folder is None:
        wanted = "the four idx files of Fashion-MNIST (Debian: apt-get install dataset-fashion-mnist)"
        folder = Path(download(FashionMNIST, downloads, wanted).raw_folder)
    images, labels = zip(*(_read_part(folder, part) for part in PARTS), strict=True)
    counts = [len(part) for part in labels]
    padded = np.pad(np.concatenate(images)[:, None], ((0, 0), (0, 0), (BORDER, BORDER), (BORDER, BORDER)))
    return RawImages(padded, np.concatenate(labels), test=np.arange(counts[0], sum(counts)))


def _read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images = _read(folder, f"{part}-images-idx3-ubyte", read_image_file)
    labels = _read(folder, f"{part}-labels-idx1-ubyte", read_label_file)
    if images.shape[1:] != (28, 28) or len(images) != len(labels):
        raise InputError(f"{folder}: the {part} files must contain 28x28 images, each with a label")
    return images, labels


def _read(folder: Path, name: str, reader: Callable[[str], Tensor]) -> np.ndarray:
    plain, zipped = folder / name, folder / f"{name}.gz"
    if not plain.is_file() and not zipped.is_file():
        raise InputError(
            f"{folder}: {name} (or {name}.gz) is missing; dataset.folder must contain the four idx files"
        )
    found = plain if plain.is_file() else zipped
    try:
        if found == plain:
            return reader(str(plain)).numpy()
        with tempfile.NamedTemporaryFile() as unzipped, gzip.open(zipped) as source:
            content = source.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes after unzipping")
            unzipped.write(content)
            unzipped.flush()
            return reader(unzipped.name).numpy()
    except Exception as reason:  # A damaged file can raise anything in the library.
        raise InputError(f"{found}: not a readable idx file ({reason}); download it again") from reason
