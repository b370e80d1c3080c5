"""What an iteration of NetAdapt prunes: a share of the weights, as NNI does, or of a budget's cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.costs.budget import Budget
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.uniform import prunable_convolutions

# A step below which the search gives up, as a share of the weights or of the unpruned net's cost.
SMALLEST_STEP = 1e-3


@dataclass(frozen=True)
class Candidate:
    """One layer pruned further.

    Attributes:
        index: number of the layer among the prunable ones, from 0.
        layer: its name.
        sparsity: the share of its filters that is to go in all; whole filters go, so that fewer may.
        masks: of all convolutions that have been pruned, this one included.
    """

    index: int
    layer: str
    sparsity: float
    masks: ChannelMasks


class Steps(Protocol):
    """What the iterations of a search path prune.

    Attributes:
        layers: how many layers can be pruned.
    """

    layers: int

    def in_order(self, targets: Sequence[float]) -> list[float]:
        """Targets in the order in which the search path comes to them."""

    def iterations(self, targets: Sequence[float]) -> int:
        """About how many iterations the targets take."""

    def share(self, kept: ChannelMasks) -> float:
        """Where the search path stands, in the unit of the targets."""

    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """Whether it has come to a target."""

    def candidates(self, model: nn.Module, kept: ChannelMasks, target: float) -> Iterator[Candidate]:
        """Each layer of a net that can give a step; none where all steps that are allowed are too large."""

    def take(self, candidate: Candidate) -> None:
        """Go on from a candidate."""

    def exhausted(self, kept: ChannelMasks) -> str:
        """Why there is no candidate."""


class WeightSteps:
    """NNI's steps: each prunes so many weights that a sum of steps is the sparsity.

    NNI's own fall-back, half the step where no layer can give a whole one, halves a number that nothing
    reads again, so that its search then never ends. `halve_step` is that fall-back as it was meant.

    Args:
        model: the trained net.
        arguments: `base_algo`; `sparsity_per_iteration`, the step; `halve_step`.
    """

    def __init__(self, model: nn.Module, arguments: Mapping[str, Any]) -> None:
        self._algorithm, self._halve = arguments["base_algo"], arguments["halve_step"]
        self._step = arguments["sparsity_per_iteration"]
        weighted = {
            name: module
            for name, module in model.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        }
        self._order = list(weighted)
        self._weights = {name: module.weight.numel() for name, module in weighted.items()}
        self._prunable = list(prunable_convolutions(model))
        self._sparsity = 0.0
        # By layer, the sparsities of the candidates that were taken.
        self._taken: dict[str, float] = {}
        self.layers = len(self._prunable)

    def in_order(self, targets: Sequence[float]) -> list[float]:
        """See `Steps`."""
        return sorted(targets)

    def iterations(self, targets: Sequence[float]) -> int:
        """See `Steps`."""
        return int(max(targets) / self._step + 1)

    def share(self, kept: ChannelMasks) -> float:
        """The sparsity by NNI's count: the sum of the steps."""
        return self._sparsity

    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """See `Steps`."""
        return self._sparsity >= target

    def candidates(self, model: nn.Module, kept: ChannelMasks, target: float) -> Iterator[Candidate]:
        """See `Steps`."""
        while not (found := list(self._wanted(kept))) and self._halve and self._step > SMALLEST_STEP:
            self._step /= 2
        modules = dict(model.named_modules())
        for index, name, sparsity in found:
            filters = int(modules[name].out_channels * sparsity)
            mask = layer_mask(self._algorithm, modules[name], filters, kept.get(name))
            yield Candidate(index, name, sparsity, {**kept, name: mask})

    def _wanted(self, kept: ChannelMasks) -> Iterator[tuple[int, str, float]]:
        """Each layer that has a step's weights left, with its new sparsity."""
        for index, name in enumerate(self._prunable):
            pruned = 1 - self._left(name, kept) / self._weights[name]
            sparsity = pruned + self._weights_a_step / self._related(name, kept)
            if sparsity < 1:
                yield index, name, sparsity

    @property
    def _weights_a_step(self) -> int:
        return int(self._step * sum(self._weights.values()))

    def _left(self, name: str, kept: ChannelMasks) -> int:
        """Weights of a layer's filters that are left."""
        if name not in kept:
            return self._weights[name]
        return self._weights[name] // len(kept[name]) * int(kept[name].sum())

    def _related(self, name: str, kept: ChannelMasks) -> float:
        """Weights that a layer's filters take with them: its own and the next layer's, as NNI counts them."""
        place = self._order.index(name)
        before = self._order[place - 1] if place else ""
        own = self._weights[name] * (1 - self._taken.get(before, 0.0))
        return own + sum(self._left(after, kept) for after in self._order[place + 1 : place + 2])

    def take(self, candidate: Candidate) -> None:
        """See `Steps`."""
        self._taken[candidate.layer] = candidate.sparsity
        self._sparsity += self._step

    def exhausted(self, kept: ChannelMasks) -> str:
        """See `Steps`."""
        return (
            f"at sparsity {self._sparsity:.4g}, no convolution has {self._weights_a_step} weights left to "
            "prune in one iteration"
        )


class CostSteps:
    """The paper's steps: each takes a share of the unpruned net's cost.

    Each candidate takes the fewest filters from one layer that bring the whole net's cost down by a step. The
    last step before a budget is shortened to end within it, so that the way to a small budget passes
    through the larger ones. Where no layer can give a whole step, the steps from there on are half as large.

    Args:
        model: the trained net.
        arguments: `base_algo`; `sparsity_per_iteration`, the step.
        cost: see `filterbench.costs.budget.Budget`.
    """

    def __init__(
        self, model: nn.Module, arguments: Mapping[str, Any], cost: Callable[[ChannelMasks], float]
    ) -> None:
        self._algorithm, self._step = arguments["base_algo"], arguments["sparsity_per_iteration"]
        self._cost = cost
        self._prunable = list(prunable_convolutions(model))
        self.layers = len(self._prunable)

    def in_order(self, targets: Sequence[float]) -> list[float]:
        """See `Steps`."""
        return sorted(targets, reverse=True)

    def iterations(self, targets: Sequence[float]) -> int:
        """See `Steps`."""
        return int((1 - min(targets)) / self._step + 1)

    def share(self, kept: ChannelMasks) -> float:
        """The share of the unpruned net's cost that is left."""
        return Budget(1.0, self._cost).reached(kept)

    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """See `Steps`."""
        return Budget(target, self._cost).met(kept)

    def candidates(self, model: nn.Module, kept: ChannelMasks, target: float) -> Iterator[Candidate]:
        """See `Steps`."""
        share = self.share(kept)
        while self._step >= SMALLEST_STEP:
            after = share - self._step
            if after > target:
                found = self._to(after, model, kept)
            else:
                found = self._to_target(target, share, model, kept)
            if found:
                yield from found
                return
            self._step /= 2

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

    def exhausted(self, kept: ChannelMasks) -> str:
        """See `Steps`."""
        return (
            f"at {self.share(kept):.2%} of the unpruned net's cost, no convolution has filters left that "
            f"cost {SMALLEST_STEP:.1%} of it"
        )
