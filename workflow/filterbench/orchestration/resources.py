"""What a job may take of a machine, as Snakemake's `resources` want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from filterbench.pruners.registry import PRUNERS

Resource = Callable[[Any, int], int]


def more_each_time(first: int) -> Resource:
    """What a job asks for, more each time that it is tried again."""
    return lambda wildcards, attempt: first * attempt


def prune_minutes(wildcards: Any, attempt: int) -> int:
    """Run time of a pruner, in minutes: a search takes hours on full-width nets."""
    return (720 if PRUNERS[wildcards.pruner].searches else 60) * attempt
