"""NNI's steps of NetAdapt: each iteration prunes a share of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.search.steps import SMALLEST_STEP, Candidate
from filterbench.pruners.uniform import prunable_convolutions


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
        self.step = arguments["sparsity_per_iteration"]
        weighted = {
            name: module
            for name, module in model.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        }
        self._order = list(weighted)
        self._weights = {name: module.weight.numel() for name, module in weighted.items()}
        self._prunable = list(prunable_convolutions(model))
        self._sparsity = 0.0
        self.asked: dict[str, float] = {}
        self.layers = len(self._prunable)

    def in_order(self, targets: Sequence[float]) -> list[float]:
        """See `Steps`."""
        return sorted(targets)

    def iterations(self, targets: Sequence[float]) -> int:
        """See `Steps`."""
        return int(max(targets) / self.step + 1)

    def share(self, kept: ChannelMasks) -> float:
        """The sparsity by NNI's count: the sum of the steps."""
        return self._sparsity

    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """See `Steps`."""
        return self._sparsity >= target

    def shared(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """See `Steps`; all steps to a sparsity are on the way to all higher ones."""
        if self.reached(target, kept):
            return []
        while not (found := list(self._wanted(kept))) and self._halve and self.step > SMALLEST_STEP:
            self.step /= 2
        modules = dict(model.named_modules())
        return [
            Candidate(index, name, sparsity, {**kept, name: self._mask(modules[name], name, sparsity, kept)})
            for index, name, sparsity in found
        ]

    def own(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """See `Steps`."""
        return []

    def _mask(self, convolution: nn.Conv2d, name: str, sparsity: float, kept: ChannelMasks) -> Tensor:
        filters = int(convolution.out_channels * sparsity)
        return layer_mask(self._algorithm, convolution, filters, kept.get(name))

    def _wanted(self, kept: ChannelMasks) -> Iterator[tuple[int, str, float]]:
        """Each layer that has a step's weights left, with its new sparsity."""
        for index, name in enumerate(self._prunable):
            pruned = 1 - self._left(name, kept) / self._weights[name]
            sparsity = pruned + self._weights_a_step / self._related(name, kept)
            if sparsity < 1:
                yield index, name, sparsity

    @property
    def _weights_a_step(self) -> int:
        return int(self.step * sum(self._weights.values()))

    def _left(self, name: str, kept: ChannelMasks) -> int:
        """Weights of a layer's filters that are left."""
        if name not in kept:
            return self._weights[name]
        return self._weights[name] // len(kept[name]) * int(kept[name].sum())

    def _related(self, name: str, kept: ChannelMasks) -> float:
        """Weights that a layer's filters take with them: its own and the next layer's, as NNI counts them."""
        place = self._order.index(name)
        before = self._order[place - 1] if place else ""
        own = self._weights[name] * (1 - self.asked.get(before, 0.0))
        return own + sum(self._left(after, kept) for after in self._order[place + 1 : place + 2])

    def take(self, candidate: Candidate) -> None:
        """See `Steps`."""
        self.asked[candidate.layer] = candidate.sparsity
        self._sparsity += self.step

    def restore(self, reached: float, step: float, asked: Mapping[str, float]) -> None:
        """See `Steps`."""
        self._sparsity, self.step, self.asked = reached, step, dict(asked)

    def exhausted(self, kept: ChannelMasks) -> str:
        """See `Steps`."""
        return (
            f"at sparsity {self._sparsity:.4g}, no convolution has {self._weights_a_step} weights left to "
            "prune in one iteration"
        )
