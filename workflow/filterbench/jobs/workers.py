"""Calls side by side in processes of one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from filterbench.jobs.processes import end_with_parent

# What a worker calls; it has a copy of its parent's memory.
_FUNCTIONS: Sequence[Callable[[], Any]] = ()


def side_by_side(functions: Sequence[Callable[[], Any]], workers: int) -> Iterator[Any]:
    """Call functions, several at once, and give their results in their order, each when it is there.

    Args:
        functions: that change nothing which another of them reads; what they give is pickled.
        workers: how many run at once; with 1, each in this process.
    """
    if min(workers, len(functions)) < 2:
        yield from (function() for function in functions)
        return
    with ProcessPoolExecutor(
        min(workers, len(functions)), get_context("fork"), initializer=_begin, initargs=(functions,)
    ) as pool:
        yield from pool.map(_call, range(len(functions)))


def _begin(functions: Sequence[Callable[[], Any]]) -> None:
    global _FUNCTIONS
    end_with_parent()
    _FUNCTIONS = functions


def _call(position: int) -> Any:
    return _FUNCTIONS[position]()
