"""The budget that a cell asks for."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.costs.budget import Budget
from filterbench.costs.latency_table import LatencyCost
from filterbench.costs.layer_costs import FlopsCost
from filterbench.documents import read
from filterbench.documents.measurements import LatencyTableDocument
from filterbench.domain.targets import SPARSITY, Target
from filterbench.jobs.job import Job


def budget_of(job: Job, target: Target, model: nn.Module) -> Budget | None:
    """The budget of a target on a net; None for a sparsity."""
    return None if target.kind == SPARSITY else Budget(target.value, cost_of(job, target.kind, model))


def cost_of(job: Job, kind: str, model: nn.Module) -> Callable[[ChannelMasks], float]:
    """What a kind of budget limits on a net.

    Args:
        job: for a budget of latency, one whose inputs name the latency table.
        kind: a key of `filterbench.domain.targets.BUDGETS`.
        model: the unpruned net.
    """
    if kind == "latency":
        return LatencyCost(model, read(job.inputs["latency_table"], LatencyTableDocument)["layers"])
    return FlopsCost(model)
