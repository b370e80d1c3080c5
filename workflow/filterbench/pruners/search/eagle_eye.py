"""EagleEye (Li et al. 2020, arXiv:2007.02491): the best of random allocations, once recalibrated."""

from __future__ import annotations

from torch import nn

from filterbench.compaction.masks import PrunedNet
from filterbench.costs.budget import Budget
from filterbench.pruners.controls import RandomAllocation
from filterbench.pruners.search.allocation import BudgetAllocation, Layers
from filterbench.pruners.search.extent import Cost, Extent
from filterbench.pruners.search.search import Search


class EagleEye(RandomAllocation):
    """As `RandomAllocation`, with a number of draws of its own.

    Candidates are judged after their BatchNorm statistics are estimated again (section 3.3 of the paper),
    which is the entry's default of `search.recalibrate`. The paper draws each layer's sparsity by itself and
    keeps the draws that meet the target; here all draws do, as the annealing's.
    """

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.BudgetPruner.prune_within`."""
        layers = Layers(model, self.base_algo)
        return self.best_of_draws(model, layers, BudgetAllocation(layers, budget), search)

    def least_cost(self, extent: Extent) -> Cost:
        """See `filterbench.pruners.contract.Searching.least_cost`."""
        return extent.candidates(self.evaluations)
