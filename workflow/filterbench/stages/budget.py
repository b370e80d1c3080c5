"""The budget that a cell asks for."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from filterbench.documents import read
from filterbench.jobs import Job
from filterbench.latency_table import LatencyCost
from filterbench.layer_costs import FlopsCost
from filterbench.pruners.budgets import Budget
from filterbench.pruners.masking import ChannelMasks
from filterbench.targets import SPARSITY, Target


def budget_of(job: Job, target: Target, model: nn.Module) -> Budget | None:
    """The budget of a target on a net; None for a sparsity."""
    return None if target.kind == SPARSITY else Budget(target.value, cost_of(job, target.kind, model))


def cost_of(job: Job, kind: str, model: nn.Module) -> Callable[[ChannelMasks], float]:
    """What a kind of budget limits on a net.

    Args:
        job: for a budget of latency, one whose inputs name the latency table.
        kind: a key of `filterbench.targets.BUDGETS`.
        model: the unpruned net.
    """
    if kind == "latency":
        return LatencyCost(model, read(job.inputs["latency_table"])["layers"])
    return FlopsCost(model)
