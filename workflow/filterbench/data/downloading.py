"""torchvision's downloads, with an error that says what to do without a network."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filterbench.storage.errors import InputError

Dataset = TypeVar("Dataset")


def download(dataset: Callable[..., Dataset], downloads: Path, wanted: str) -> Dataset:
    """Download a torchvision dataset, which checks its files' checksums; a finished one is kept.

    Args:
        dataset: a torchvision dataset class.
        downloads: folder for the files; it is created if needed.
        wanted: what the user must supply when the download fails.

    Raises:
        InputError: the download failed.
    """
    try:
        return dataset(downloads, download=True)
    except (OSError, RuntimeError) as reason:
        raise InputError(
            f"{downloads}: the download failed ({reason}); on a machine without network put {wanted} "
            "into a folder and set dataset.folder to that folder in the study's config"
        ) from reason
