"""scikit-learn's handwritten digits: 1,797 grey images of 8x8, no download."""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import interpolate

from filterbench.data.splitting import RawImages
from filterbench.storage.errors import InputError

BRIGHTEST = 16


def fetch(folder: Path | None, downloads: Path, size: int) -> RawImages:
    """Read the digits, enlarged to (size, size) by bilinear interpolation.

    Raises:
        InputError: a folder was given; the digits come with scikit-learn.
    """
    if folder is not None:
        raise InputError("dataset.folder: digits come with scikit-learn and take no folder; set it to null")
    digits = load_digits()
    small = torch.tensor(digits.images * (255 / BRIGHTEST), dtype=torch.float32)[:, None]
    large = interpolate(small, size=(size, size), mode="bilinear", align_corners=False)
    return RawImages(large.round().to(torch.uint8).numpy(), digits.target.astype(np.int64))
