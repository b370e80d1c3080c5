"""torchvision's downloads, with an error that says what to do without a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from filterbench.storage.errors import InputError


def download(dataset: Callable[..., Any], downloads: Path, wanted: str) -> Any:
    """Download a torchvision dataset, which checks its files' checksums; a finished one is kept.

    Args:
        dataset: a torchvision dataset class.
        downloads: folder for the files; made if needed.
        wanted: what the user must supply when the download fails.

    Raises:
        InputError: the download failed.
    """
    try:
        return dataset(downloads, download=True)
    except (OSError, RuntimeError) as reason:
        raise InputError(
            f"{downloads}: the download failed ({reason}); on a machine without network put {wanted} "
            "into a folder and name that folder as dataset.folder in the study's config"
        ) from reason
