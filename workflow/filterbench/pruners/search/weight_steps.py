"""NNI's steps of NetAdapt: each iteration prunes a share of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.search.steps import ROUNDING, SMALLEST_STEP, Candidate, NetAdaptArguments, Steps


class WeightSteps(Steps):
    """NNI's steps: each prunes a fixed number of weights, and the sum of the steps is the sparsity.

    NNI also halves its step where no layer can give a whole one, but it halves a number that is not read
    again, so that its search never ends. `halve_step` is that fallback as it was meant.
    """

    def __init__(self, model: nn.Module, arguments: NetAdaptArguments) -> None:
        super().__init__(model, arguments)
        self._halve = arguments.halve_step
        self._weights = {
            name: module.weight.numel()
            for name, module in model.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        }
        self._order = list(self._weights)
        self._sparsity = 0.0

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
        return self._sparsity >= target - ROUNDING

    def shared(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """See `Steps`; all steps to a sparsity are on the path to all higher ones."""
        if self.reached(target, kept):
            return []
        while not (found := list(self._sparsities(kept))) and self._halve and self.step > SMALLEST_STEP:
            self.step /= 2
        return [
            Candidate(index, name, sparsity, {**kept, name: self._mask(model, name, sparsity, kept)})
            for index, name, sparsity in found
        ]

    def _mask(self, model: nn.Module, name: str, sparsity: float, kept: ChannelMasks) -> Tensor:
        convolution = model.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        filters = int(convolution.out_channels * sparsity)
        return layer_mask(self._algorithm, convolution, filters, kept.get(name))

    def _sparsities(self, kept: ChannelMasks) -> Iterator[tuple[int, str, float]]:
        """Each layer that has a step's weights left, with its new sparsity."""
        for index, name in enumerate(self.prunable):
            pruned = 1 - self._left(name, kept) / self._weights[name]
            sparsity = pruned + self._weights_per_step / self._related(name, kept)
            if sparsity < 1:
                yield index, name, sparsity

    @property
    def _weights_per_step(self) -> int:
        return int(self.step * sum(self._weights.values()))

    def _left(self, name: str, kept: ChannelMasks) -> int:
        """Weights of a layer's filters that are left."""
        if name not in kept:
            return self._weights[name]
        return self._weights[name] // len(kept[name]) * int(kept[name].sum())

    def _related(self, name: str, kept: ChannelMasks) -> float:
        """Weights removed with a layer's filters: its own and the next layer's, as NNI counts them."""
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
        super().restore(reached, step, asked)
        self._sparsity = reached

    def exhausted(self, kept: ChannelMasks) -> str:
        """See `Steps`."""
        return (
            f"at sparsity {self._sparsity:.4g}, no convolution has {self._weights_per_step} weights left to "
            "prune in one iteration"
        )
