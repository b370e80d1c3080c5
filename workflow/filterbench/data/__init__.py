"""The datasets of a study and the uniform file each of them becomes.

This module imports no dataset library: a dataset's own module is imported when it is fetched.
"""

from __future__ import annotations

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
    """

    label: str
    source: str
    fetch: Callable[[Path | None, Path], RawImages]


def _digits(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.digits import fetch

    return fetch(folder, downloads)


def _fashion_mnist(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.fashion_mnist import fetch

    return fetch(folder, downloads)


def _cifar10(folder: Path | None, downloads: Path) -> RawImages:
    from filterbench.data.cifar10 import fetch

    return fetch(folder, downloads)


DATASETS: dict[str, DatasetEntry] = {
    "digits": DatasetEntry("digits", "scikit-learn's copy of the UCI handwritten digits", _digits),
    "fashion-mnist": DatasetEntry("Fashion-MNIST", "Xiao et al. 2017, arXiv:1708.07747", _fashion_mnist),
    "cifar10": DatasetEntry("CIFAR-10", "Krizhevsky 2009, Learning Multiple Layers of Features", _cifar10),
}
