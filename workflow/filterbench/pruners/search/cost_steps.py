"""The paper's steps of NetAdapt: each iteration takes a share of the unpruned net's cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.costs.budget import Budget
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.search.steps import SMALLEST_STEP, Candidate
from filterbench.pruners.uniform import prunable_convolutions


class CostSteps:
    """The paper's steps: each takes a share of the unpruned net's cost.

    Each candidate takes the fewest filters from one layer that bring the whole net's cost down by a step.
    Where no layer can give a whole step, the steps from there on are half as large. Whole steps are shared by
    the ways to all budgets; the last step to a budget is its own, shortened to end within it.

    Args:
        model: the trained net.
        arguments: `base_algo`; `sparsity_per_iteration`, the step.
        cost: see `filterbench.costs.budget.Budget`.
    """

    def __init__(
        self, model: nn.Module, arguments: Mapping[str, Any], cost: Callable[[ChannelMasks], float]
    ) -> None:
        self._algorithm, self.step = arguments["base_algo"], arguments["sparsity_per_iteration"]
        self.asked: dict[str, float] = {}
        self._cost = cost
        self._prunable = list(prunable_convolutions(model))
        self.layers = len(self._prunable)

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
        goal, modules = Budget(share, self._cost), dict(model.named_modules())
        found = (
            self._candidate(index, name, modules[name], goal, kept)
            for index, name in enumerate(self._prunable)
        )
        return [candidate for candidate in found if candidate]

    def _candidate(
        self, index: int, name: str, convolution: nn.Conv2d, goal: Budget, kept: ChannelMasks
    ) -> Candidate | None:
        """A layer with just as many filters pruned as the goal needs; None where it has not so many."""

        def masks_with(filters: int) -> ChannelMasks:
            return {**kept, name: layer_mask(self._algorithm, convolution, filters, kept.get(name))}

        low = int((~kept[name]).sum()) if name in kept else 0
        high = convolution.out_channels - 1
        masks = masks_with(high)
        if low >= high or not goal.met(masks):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            fewer = masks_with(middle)
            if goal.met(fewer):
                high, masks = middle, fewer
            else:
                low = middle
        return Candidate(index, name, high / convolution.out_channels, masks)

    def take(self, candidate: Candidate) -> None:
        """See `Steps`."""

    def restore(self, reached: float, step: float, asked: Mapping[str, float]) -> None:
        """See `Steps`."""
        self.step = step

    def exhausted(self, kept: ChannelMasks) -> str:
        """See `Steps`."""
        return (
            f"at {self.share(kept):.2%} of the unpruned net's cost, no convolution has filters left that "
            f"cost {SMALLEST_STEP:.1%} of it"
        )
