"""What every pruner takes and gives: a net in, a masked net and its channel masks out."""

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
            search: what a pruner that evaluates or trains candidates does so with.
        """
        ...


class Searching(Pruner, Protocol):
    """A pruner that searches, and says beforehand what that will cost."""

    def least_cost(self, extent: Extent) -> Cost:
        """What the search spends at least."""
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
