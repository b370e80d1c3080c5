"""What a job may take of a machine, as Snakemake's `resources` want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from filterbench.pruners.registry import PRUNERS

if TYPE_CHECKING:
    from snakemake.io import Wildcards

Resource = Callable[["Wildcards", int], int]


def more_each_time(first: int) -> Resource:
    """What a job asks for, more each time that it is tried again."""
    return lambda wildcards, attempt: first * attempt


def prune_minutes(wildcards: Wildcards, attempt: int) -> int:
    """Run time of a pruner, in minutes: a search takes hours on full-width nets."""
    return (720 if PRUNERS[wildcards.pruner].searches else 60) * attempt
