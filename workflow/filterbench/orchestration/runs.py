"""Other runs of Snakemake in this folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from filterbench.storage.files import without_link

FOLDER = Path(".snakemake/runs")
# A lock that nobody refers to any more is released.
_KEPT: list[FileLock] = []


def tell_other_runs() -> None:
    """Register this run, and list other live runs on standard error.

    Snakemake advises to unlock the folder whenever it is locked. While another run is alive, that would let
    both write the same files; the operating system knows, since its locks go with their process.
    """
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        own_name = str(os.getpid())
        others = [path.stem for path in FOLDER.glob("*.lock") if path.stem != own_name and _held(path)]
        own = FileLock(without_link(FOLDER / f"{os.getpid()}.lock"))
        own.acquire(timeout=0)
        _KEPT.append(own)
    except (OSError, NotImplementedError, Timeout):
        # Without locks nothing is known; Snakemake has its own.
        return
    if others:
        print(
            f"note: another run is active in this folder (process {', '.join(others)}); if the folder is "
            "locked, wait for that run to end: unlocking would let both write the same files",
            file=sys.stderr,
        )


def _held(path: Path) -> bool:
    """Whether a run that is alive holds a lock; one of a run that ended is removed."""
    lock = FileLock(without_link(path))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    path.unlink(missing_ok=True)
    return False
