"""The contract of pruners: each takes a net, and returns a masked net with its channel masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import nn

from filterbench.compaction.masks import PrunedNet
from filterbench.costs.budget import Budget

if TYPE_CHECKING:
    from filterbench.pruners.search.search import Cost, Extent, Search


class InfeasibleError(Exception):
    """A target that a pruner cannot reach; the message says why."""


class Pruner(Protocol):
    """Chooses which filters of a net to remove."""

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """Mask a share of the filters.

        Args:
            model: a trained net for inputs of (batch, 3, height, width); it is changed.
            sparsity: share of the filters to mask, above 0 and below 1.
            search: what candidates are evaluated and trained with.
        """
        ...


class Searching(Pruner, Protocol):
    """A pruner that searches, and can estimate the cost of its search."""

    def least_cost(self, extent: Extent) -> Cost:
        """The least that the search spends."""
        ...


@runtime_checkable
class BudgetPruner(Protocol):
    """A pruner that searches under a budget."""

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """Mask filters until a budget is met.

        Args:
            model: a trained net for inputs of (batch, 3, height, width); it is changed.
            budget: to be met, never exceeded.
            search: what candidates are evaluated and trained with.

        Raises:
            InfeasibleError: the budget cannot be met.
        """
        ...
