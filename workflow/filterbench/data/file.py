"""The uniform file of a dataset, the only one that later stages read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write

SPLITS = ("train", "validation", "test")
ARRAYS = ("images", "labels", "mean", "std", *SPLITS)
# Left out of the file where it is empty.
NAMES = "names"


@dataclass(frozen=True)
class ImageFile:
    """The contents of `data/{dataset}.npz`.

    Attributes:
        images: uint8, (n, 1 or 3, size, size).
        labels: int64, (n,), classes counted from 0.
        mean: float32, (1 or 3,), of the train split's channels, 0..1.
        std: float32, (1 or 3,), of the train split's channels.
        names: the classes' names in the order of their labels; empty where the dataset's images have none.
        splits: int64 indices of each split's images, in the order in which a smaller study takes them.
    """

    images: np.ndarray
    labels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    names: np.ndarray
    splits: dict[str, np.ndarray]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in (*ARRAYS, *({NAMES} & arrays.keys())):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def write_images(path: Path, content: ImageFile) -> None:
    """Write the file and a checksum over all its arrays; the same content gives the same bytes."""
    arrays = vars(content) | content.splits
    del arrays["splits"]
    if not len(content.names):
        del arrays[NAMES]
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays, checksum=np.array(_checksum(arrays)))


def read_images(path: Path) -> ImageFile:
    """Read the file and check its content against the checksum.

    Raises:
        InputError: the file is missing, cannot be read, or its content does not match the checksum.
    """
    remedy = "remove it, and the next run rebuilds it"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*ARRAYS, *({NAMES} & stored.keys()))}
            checksum = str(stored["checksum"])
    except FileNotFoundError as reason:
        raise InputError(f"{path}: no such data file; make it with `snakemake {path}`") from reason
    except Exception as reason:  # A damaged file can raise anything in the library.
        raise InputError(f"{path}: not a readable data file ({reason}); {remedy}") from reason
    if checksum != _checksum(arrays):
        raise InputError(f"{path}: the content does not match its checksum; {remedy}")
    splits = {name: arrays.pop(name) for name in SPLITS}
    names = arrays.pop(NAMES, np.array([], dtype=str))
    return ImageFile(**arrays, names=names, splits=splits)
