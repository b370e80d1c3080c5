"""What a job may use of a machine, in the form of Snakemake's `resources`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from filterbench.pruners.registry import PRUNERS

if TYPE_CHECKING:
    from snakemake.io import Wildcards

Resource = Callable[["Wildcards", int], int]


def more_each_time(first: int) -> Resource:
    """What a job requests, more at each retry."""
    return lambda wildcards, attempt: first * attempt


def prune_minutes(wildcards: Wildcards, attempt: int) -> int:
    """Run time of a pruner, in minutes: a search takes hours on full-width nets."""
    return (720 if PRUNERS[wildcards.pruner].searches else 60) * attempt
