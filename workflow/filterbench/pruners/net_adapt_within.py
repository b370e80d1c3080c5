"""NetAdapt under budgets of FLOPs or latency (Yang et al. 2018, arXiv:1804.03230, algorithm 1).

As in `filterbench.pruners.net_adapt`, but a step is a share of the unpruned net's cost. Each candidate takes
the fewest filters from one layer that bring the whole net's cost down by a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from filterbench.nni_adaptor import layer_mask
from filterbench.pruners.budgets import Budget
from filterbench.pruners.masking import ChannelMasks
from filterbench.pruners.net_adapt import Candidate, Trajectory
from filterbench.pruners.searching import Search
from filterbench.weights import Weights

# A step, as a share of the unpruned net's cost, below which the search gives up.
SMALLEST_STEP = 1e-3


class TrajectoryWithin(Trajectory):
    """The iterations of NetAdapt on one net, from budget to budget.

    The last step before a budget is shortened to end within it, so that the way to a small budget passes
    through the larger ones. Where no layer can give a whole step, the steps from there on are half as large.

    Args:
        model: the trained net; it is left as it is.
        arguments: see `Trajectory`; `sparsity_per_iteration` is the step.
        search: where candidates are evaluated and recorded.
        cost: see `filterbench.pruners.budgets.Budget`.
    """

    def __init__(
        self,
        model: nn.Module,
        arguments: Mapping[str, Any],
        search: Search,
        cost: Callable[[ChannelMasks], float],
    ) -> None:
        super().__init__(model, arguments, search)
        self._cost = cost
        self._kept: ChannelMasks = {}
        self._target = 1.0
        self._convolutions = {
            name: module for name, module in self._model.named_modules() if isinstance(module, nn.Conv2d)
        }

    def _in_order(self, targets: Sequence[float]) -> list[float]:
        return sorted(targets, reverse=True)

    def _iterations(self, targets: Sequence[float]) -> int:
        return int((1 - min(targets)) / self._step + 1)

    def _reached(self, target: float) -> bool:
        self._target = target
        return Budget(target, self._cost).met(self._kept)

    def _exhausted(self) -> str:
        share = Budget(self._target, self._cost).reached(self._kept)
        return (
            f"after {self._iteration} iterations, at {share:.2%} of the unpruned net's cost, no convolution "
            f"has filters left that cost {SMALLEST_STEP:.1%} of it"
        )

    def _candidates(self) -> Iterator[Candidate]:
        """Each layer that can give a step, with the fewest filters pruned that give it."""
        share = Budget(self._target, self._cost).reached(self._kept)
        while self._step >= SMALLEST_STEP:
            after = share - self._step
            last = after <= self._target
            if found := self._last_candidates(share) if last else self._candidates_for(after):
                yield from found
                return
            self._step /= 2

    def _last_candidates(self, share: float) -> list[Candidate]:
        """The candidates of a step to the budget itself.

        Where all of them leave more than the slack unused, the candidates of half the way that do not: the
        filters that are left to take are large, and several layers together come closer.
        """
        target = Budget(self._target, self._cost)
        last = self._candidates_for(self._target)
        for found in (last, self._candidates_for((share + self._target) / 2)):
            if fitting := [candidate for candidate in found if target.used(candidate.masks)]:
                return fitting
        return last

    def _candidates_for(self, share: float) -> list[Candidate]:
        """Each layer that can bring the net down to a share of the unpruned net's cost."""
        goal = Budget(share, self._cost)
        found = (self._candidate(index, goal) for index in range(len(self._convolutions)))
        return [candidate for candidate in found if candidate]

    def _candidate(self, index: int, goal: Budget) -> Candidate | None:
        """A layer with just as many filters pruned as the goal needs; None where it has not so many."""
        name, convolution = list(self._convolutions.items())[index]
        low = int((~self._kept[name]).sum()) if name in self._kept else 0
        high = convolution.out_channels - 1
        masks = self._masks_with(name, high)
        if low >= high or not goal.met(masks):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            fewer = self._masks_with(name, middle)
            if goal.met(fewer):
                high, masks = middle, fewer
            else:
                low = middle
        return Candidate(index, name, high / convolution.out_channels, masks)

    def _masks_with(self, name: str, filters: int) -> ChannelMasks:
        """The masks as they are, but with some filters of one layer pruned."""
        mask = layer_mask(self._arguments["base_algo"], self._convolutions[name], filters)
        return {**self._kept, name: mask & self._kept.get(name, mask)}

    def _adopt(self, candidate: Candidate, weights: Weights) -> None:
        self._model.load_state_dict(weights)
        self._kept = candidate.masks
        self._iteration += 1

    def _masks(self) -> ChannelMasks:
        """Copies: a file cannot hold one tensor in two snapshots."""
        return {name: kept.clone() for name, kept in self._kept.items()}
