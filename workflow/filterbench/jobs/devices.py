"""Which GPU of this machine a job takes."""

from __future__ import annotations

import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path

from filelock import FileLock, Timeout

from filterbench.storage.errors import InputError
from filterbench.storage.files import without_link

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_TRIES = 1.0


def visible_gpus() -> list[str]:
    """Names of the GPUs that this process may use: those of CUDA_VISIBLE_DEVICES that the driver has."""
    listed = _listed_gpus()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    # A scheduler sets the variable on hosts without a GPU, too.
    if visible is None or not listed:
        return listed
    names = [name.strip() for name in visible.split(",")]

    def is_valid(name: str) -> bool:
        return int(name) < len(listed) if name.isdecimal() else name.startswith(("GPU-", "MIG-"))

    # As CUDA reads it: the first name that is not valid, such as -1, ends the list.
    return list(takewhile(is_valid, names))


def _listed_gpus() -> list[str]:
    """The numbers of the driver's GPUs; none without a driver."""
    try:
        listing = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    # A GPU that is divided has a line of its own, and indented ones for its MIG instances.
    gpus = [line for line in listing.stdout.splitlines() if line.startswith("GPU ")]
    return [str(index) for index, _ in enumerate(gpus)]


def count_gpus() -> int:
    """How many GPUs this process may use."""
    return len(visible_gpus())


def claim_gpu(names: Sequence[str]) -> tuple[int, FileLock]:
    """Claim a GPU that no other job of this user on this machine uses; wait until there is one.

    The lock is the operating system's: it goes with the process, however that ends.

    Args:
        names: the GPUs to choose from, at least one, as every job on this machine names them.

    Returns:
        The position of the GPU in `names`, and its lock, to be kept as long as the GPU is used.

    Raises:
        InputError: the folder of the locks is another user's.
    """
    folder = Path(tempfile.gettempdir()) / f"filterbench-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InputError(f"{folder}: it belongs to another user; remove it, or name another folder by TMPDIR")
    locks = [FileLock(without_link(folder / f"{name.replace(os.sep, '-')}.lock")) for name in names]
    waiting = False
    while True:
        for position, lock in enumerate(locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return position, lock
        if not waiting:
            logger.info("every GPU is in use (%s); waiting", ", ".join(names))
            waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


@cache
def own_gpu() -> int:
    """Number of the GPU that this process computes on, the same in every call.

    Snakemake's local executor shows all jobs the same GPUs, of which each takes one. A scheduler that
    grants a job one GPU shows it just that, and there is nothing to choose.
    """
    names = visible_gpus()
    if len(names) < 2:
        return 0
    position, lock = claim_gpu(names)
    _KEPT.append(lock)
    logger.info("GPU %s", names[position])
    return position


# A lock that nobody refers to any more is released.
_KEPT: list[FileLock] = []
