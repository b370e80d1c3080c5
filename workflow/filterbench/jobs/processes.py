"""What a process asks of the operating system."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
# Numbers of glibc's parameters; mallopt(3) explains both.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Bytes; more than any tensor that comes and goes in each batch.
_KEPT = 2**30


def end_with_parent() -> None:
    """Have this process killed when its parent ends, however that ends; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def keep_freed_memory() -> None:
    """Have this process keep the memory that it frees, for its next allocations; only glibc can.

    By default large blocks go back to the system at once, and the next batch of images faults in all its
    pages again: up to a third of the time of an evaluation.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _KEPT)
