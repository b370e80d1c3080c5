"""Which test images a net classifies correctly, one bit each, for comparisons image by image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write


def write_correct(path: Path, correct: np.ndarray) -> None:
    """Write atomically which images a net classifies correctly: bools of shape (images,), in test order.

    The file has the bytes of `numpy.packbits`; the first image is the highest bit.
    """
    with atomic_write(path) as file:
        file.write(np.packbits(correct).tobytes())


def read_correct(path: Path, images: int) -> np.ndarray:
    """Read the bools of shape (images,) that `write_correct` wrote.

    Raises:
        InputError: the file is missing, or belongs to another number of images.
    """
    try:
        packed = np.frombuffer(Path(path).read_bytes(), dtype=np.uint8)
    except FileNotFoundError as reason:
        raise InputError(f"{path}: no such file; it is written with finetune.json") from reason
    expected = (images + 7) // 8
    if len(packed) != expected:
        raise InputError(f"{path}: {len(packed)} bytes, but {images} test images need {expected}")
    return np.unpackbits(packed, count=images).astype(bool)
