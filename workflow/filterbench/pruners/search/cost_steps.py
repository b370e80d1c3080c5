"""The paper's steps of NetAdapt: each iteration takes a share of the unpruned net's cost."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

from torch import nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.costs.budget import Budget
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.search.steps import SMALLEST_STEP, Candidate, NetAdaptArguments, Steps
from filterbench.pruners.uniform import prunable_convolutions


class CostSteps(Steps):
    """The paper's steps: each takes a share of the unpruned net's cost.

    Each candidate takes the fewest filters from one layer that bring the whole net's cost down by a step.
    Where no layer can give a whole step, all further steps are half as large. The paths to all budgets share
    their whole steps. The last step to a budget is its own, shortened to end within it.

    Args:
        model: the trained net.
        arguments: of the pruner.
        cost: see `filterbench.costs.budget.Budget`.
    """

    def __init__(
        self, model: nn.Module, arguments: NetAdaptArguments, cost: Callable[[ChannelMasks], float]
    ) -> None:
        super().__init__(model, arguments)
        self._cost = cost

    def in_order(self, targets: Sequence[float]) -> list[float]:
        """See `Steps`."""
        return sorted(targets, reverse=True)

    def iterations(self, targets: Sequence[float]) -> int:
        """See `Steps`."""
        return int((1 - min(targets)) / self.step + 1)

    def share(self, kept: ChannelMasks) -> float:
        """The share of the unpruned net's cost that is left."""
        return Budget(1.0, self._cost).reached(kept)

    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """See `Steps`."""
        return Budget(target, self._cost).met(kept)

    def shared(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """See `Steps`."""
        share = self.share(kept)
        while self.step >= SMALLEST_STEP and (after := share - self.step) > target:
            if found := self._to(after, model, kept):
                return found
            self.step /= 2
        return []

    def own(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """See `Steps`."""
        share = self.share(kept)
        while self.step >= SMALLEST_STEP:
            after = share - self.step
            shared = after > target
            found = self._to(after, model, kept) if shared else self._to_target(target, share, model, kept)
            if found:
                return found
            self.step /= 2
        return []

    def _to_target(
        self, target: float, share: float, model: nn.Module, kept: ChannelMasks
    ) -> list[Candidate]:
        """The candidates of a step to the budget itself.

        Where all of them leave more than the slack unused, the candidates of half the way that do not: the
        filters that are left to take are large, and several layers together come closer.
        """
        budget = Budget(target, self._cost)
        last = self._to(target, model, kept)
        for found in (last, self._to((share + target) / 2, model, kept)):
            if fitting := [candidate for candidate in found if budget.used(candidate.masks)]:
                return fitting
        return last

    def _to(self, share: float, model: nn.Module, kept: ChannelMasks) -> list[Candidate]:
        """Each layer that can bring the net down to a share of the unpruned net's cost."""
        goal = Budget(share, self._cost)
        found = (
            self._candidate(index, name, convolution, goal, kept)
            for index, (name, convolution) in enumerate(prunable_convolutions(model).items())
        )
        return [candidate for candidate in found if candidate]

    def _candidate(
        self, index: int, name: str, convolution: nn.Conv2d, goal: Budget, kept: ChannelMasks
    ) -> Candidate | None:
        """A layer with just as many filters pruned as the goal needs; None where it has too few."""

        @cache
        def masks_with(filters: int) -> ChannelMasks:
            return {**kept, name: layer_mask(self._algorithm, convolution, filters, kept.get(name))}

        pruned = int((~kept[name]).sum()) if name in kept else 0
        most = convolution.out_channels - 1
        if pruned >= most or not goal.met(masks_with(most)):
            return None
        filters = bisect_left(range(most), True, pruned + 1, key=lambda number: goal.met(masks_with(number)))
        return Candidate(index, name, filters / convolution.out_channels, masks_with(filters))

    def exhausted(self, kept: ChannelMasks) -> str:
        """See `Steps`."""
        return (
            f"at {self.share(kept):.2%} of the unpruned net's cost, no convolution has filters left that "
            f"cost {SMALLEST_STEP:.1%} of it"
        )
