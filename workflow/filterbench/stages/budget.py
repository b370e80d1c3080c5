"""The budget that a cell asks for."""

from __future__ import annotations

from torch import nn

from filterbench.jobs import Job
from filterbench.layer_costs import FlopsCost
from filterbench.pruners.budgets import Budget
from filterbench.targets import SPARSITY, Target


def budget_of(job: Job, target: Target, model: nn.Module) -> Budget | None:
    """The budget of a target on a net; None for a sparsity."""
    if target.kind == SPARSITY:
        return None
    return Budget(target.value, FlopsCost(model))
