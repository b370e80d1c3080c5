"""Allocation by sensitivity: each group of convolutions is pruned until it alone loses the same accuracy.

Han et al. 2015 (arXiv:1506.02626, section 5) and Li et al. 2016 (arXiv:1608.08710, section 3.2) read the
layers' rates off such curves by hand. NNI's SensitivityPruner takes the first rate of each layer at which the
loss is above a threshold, scales these rates to a step of the target, and analyses the net again after each
step. Here one analysis is enough: the loss is the one at which the net reaches the target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.costs.budget import Budget
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.search.allocation import HALVINGS, LARGEST
from filterbench.pruners.search.annealing import score_of
from filterbench.pruners.search.extent import Cost, Extent
from filterbench.pruners.search.search import Search
from filterbench.pruners.search.sensitivity import FilterGroups, Sensitivity, analyse
from filterbench.pruners.uniform_budgets import fill_budget


class EqualLoss:
    """Rates of the groups at which each, pruned alone, loses the same accuracy.

    Between measured rates the loss is interpolated. It never falls with the rate: a rise in accuracy is noise
    of the images. A group without filters is at chance. Below the measured losses one image counts, spread
    over all rates, so that of groups that lose nothing none is spared.

    Args:
        groups: of the net.
        sensitivity: of these groups.
        chance: accuracy of always answering the most common class, 0..1.
        image: share of one image, above 0.
    """

    def __init__(self, groups: FilterGroups, sensitivity: Sensitivity, chance: float, image: float) -> None:
        self._curves = []
        original = sensitivity.original
        for channels, counts, accuracies in zip(
            groups.channels, sensitivity.removed, sensitivity.accuracies, strict=True
        ):
            measured, first = np.unique(counts, return_index=True)
            some = measured > 0
            shares = np.array([0, *measured[some] / channels, 1])
            lost = original - np.array([original, *accuracies[first[some]], min(chance, original)])
            self._curves.append((np.maximum.accumulate(lost) + image * shares, shares))

    def rates(self, loss: float) -> np.ndarray:
        """The share of filters that each group can lose for a loss from 0; one filter stays, (groups,)."""
        found = [np.interp(loss, losses, shares) for losses, shares in self._curves]
        return np.minimum(found, LARGEST)

    def around(self, reached: Callable[[np.ndarray], bool]) -> tuple[np.ndarray, np.ndarray]:
        """The rates of the smallest loss that reaches a target, and those just before it, each (groups,).

        Args:
            reached: whether rates do; where some do, all of a larger loss do.

        Returns:
            The rates before, then those that reach it.

        Raises:
            InfeasibleError: one filter per convolution does not.
        """
        low, high = 0.0, max(losses[-1] for losses, _ in self._curves)
        if not reached(self.rates(high)):
            raise InfeasibleError("with one filter in each convolution the net is still above the target")
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if reached(self.rates(middle)) else (middle, high)
        return self.rates(low), self.rates(high)


@dataclass(frozen=True)
class BySensitivity:
    """Prunes each group as far as the same loss of accuracy allows.

    A group that loses less when it is pruned alone is pruned more.

    Attributes:
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters of a group.
        rates: at how many rates, evenly spaced between 0 and 1, each group is pruned alone, from 1.
    """

    base_algo: str
    rates: int

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""

        def allocate(groups: FilterGroups, curves: EqualLoss) -> ChannelMasks:
            shares = groups.weights / groups.weights.sum()
            _, rates = curves.around(lambda rates: rates @ shares >= sparsity)
            return groups.masks_at(rates)

        return self._masked(model, allocate, search)

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.BudgetPruner.prune_within`."""

        def allocate(groups: FilterGroups, curves: EqualLoss) -> ChannelMasks:
            before, rates = curves.around(lambda rates: budget.met(groups.masks_at(rates)))
            return fill_budget(model, groups.masks_at(rates), groups.masks_at(before), budget)

        return self._masked(model, allocate, search)

    def least_cost(self, extent: Extent) -> Cost:
        """See `filterbench.pruners.contract.Searching.least_cost`; less where layers are summed or narrow."""
        return extent.candidates(extent.layers * self.rates + 2)

    def _masked(
        self, model: nn.Module, allocate: Callable[[FilterGroups, EqualLoss], ChannelMasks], search: Search
    ) -> PrunedNet:
        """Analyse the net, allocate, and judge the allocated net once."""
        groups, images = FilterGroups(model, self.base_algo), search.splits.selection
        journal = search.journal("sensitivity", len(groups.layers) * self.rates + 2)
        spaced = [number / (self.rates + 1) for number in range(1, self.rates + 1)]
        found = analyse(model, groups, spaced, search, journal)
        masks = allocate(groups, EqualLoss(groups, found, images.chance(), 1 / len(images)))
        score_of(model, masks, search, journal)
        journal.accept()
        search.add_steps(journal)
        apply_masks(model, masks)
        return PrunedNet(model, masks)
