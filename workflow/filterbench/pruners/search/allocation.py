"""Sparsities for the layers of a net: the masks that they give, and how they meet a target.

Layers and their sparsities are ordered by number of weights: as in NNI's annealing, a layer with more weights
has no lower sparsity.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor, nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.costs.budget import Budget
from filterbench.models.depthwise import mask_depthwise
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.search.sampling import draw_sparsities
from filterbench.pruners.uniform import prunable_convolutions

# Below this sparsity NNI leaves a layer as it is.
SMALLEST = 1e-6
# Above this sparsity no convolution keeps a second filter.
LARGEST = 1 - SMALLEST
# Bisections of a factor; the last ones no longer move a filter.
HALVINGS = 50


class Layers:
    """The prunable convolutions of a net, and their masks at any sparsity.

    Args:
        model: the net; it is not changed.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters of a layer.
    """

    def __init__(self, model: nn.Module, base_algo: str) -> None:
        self._model, self._algorithm = model, base_algo
        self._convolutions = prunable_convolutions(model)
        self._known: dict[tuple[str, int], Tensor] = {}
        self.names = sorted(self._convolutions, key=lambda name: self._convolutions[name].weight.numel())
        self.weights = np.array([self._convolutions[name].weight.numel() for name in self.names])

    def config(self, sparsities: np.ndarray) -> dict[str, float]:
        """The sparsity of each layer that is pruned, by name.

        Args:
            sparsities: ascending, (layers,), each from 0 and below 1.
        """
        return {
            name: float(sparsity)
            for name, sparsity in zip(self.names, sparsities, strict=True)
            if sparsity > SMALLEST
        }

    def masks(self, sparsities: np.ndarray) -> ChannelMasks:
        """The masks that NNI makes from these sparsities, with those of depthwise convolutions."""
        pruned = self.config(sparsities)
        masks = {name: self._mask(name, pruned[name]) for name in self._convolutions if name in pruned}
        mask_depthwise(self._model, masks)
        return masks

    def _mask(self, name: str, sparsity: float) -> Tensor:
        convolution = self._convolutions[name]
        filters = int(convolution.out_channels * sparsity)
        if (name, filters) not in self._known:
            self._known[name, filters] = layer_mask(self._algorithm, convolution, filters)
        return self._known[name, filters]


class Allocation(Protocol):
    """Sparsities that meet a target."""

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """Random sparsities that meet the target.

        Raises:
            InfeasibleError: no sparsities meet it.
        """

    def rescaled(self, proposal: np.ndarray) -> np.ndarray | None:
        """The sparsities next to a proposal that meet the target, (layers,), from 0; None if none do."""


class WeightAllocation:
    """Sparsities whose mean, weighted by the layers' weights, is the target.

    Args:
        layers: of the net.
        target: above 0 and below 1.
    """

    def __init__(self, layers: Layers, target: float) -> None:
        self._weights, self._target = layers.weights, target

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """See `Allocation`; from the distribution of NNI's draws."""
        return draw_sparsities(self._weights, self._target, random)

    def rescaled(self, proposal: np.ndarray) -> np.ndarray | None:
        """See `Allocation`; all times one factor, by NNI's count: whole weights of each layer."""
        proposal = np.sort(proposal)
        pruned = (self._weights * proposal).astype(int).sum()
        if not pruned:
            return None
        scaled = proposal * (self._target / (pruned / self._weights.sum()))
        return scaled if scaled[-1] < 1 else None


class BudgetAllocation:
    """Sparsities at which the net meets a budget.

    Args:
        layers: of the net.
        budget: to be met.
    """

    def __init__(self, layers: Layers, budget: Budget) -> None:
        self._layers, self._budget = layers, budget

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """See `Allocation`."""
        drawn = self.rescaled(random.uniform(size=len(self._layers.names)))
        if drawn is None:
            raise InfeasibleError("with one filter in each convolution the net is still above the budget")
        return drawn

    def rescaled(self, proposal: np.ndarray) -> np.ndarray | None:
        """See `Allocation`; all times the smallest factor that meets the budget, by bisection.

        At least one filter of each layer is left. None if layers of sparsity 0 would have to be pruned.
        """
        proposal = np.sort(proposal)
        positive = proposal[proposal > 0]
        if not len(positive):
            return None
        low, high = 0.0, LARGEST / positive[0]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._met(_scaled(proposal, middle)) else (middle, high)
        scaled = _scaled(proposal, high)
        return scaled if self._met(scaled) else None

    def _met(self, sparsities: np.ndarray) -> bool:
        return self._budget.met(self._layers.masks(sparsities))


def _scaled(sparsities: np.ndarray, factor: float) -> np.ndarray:
    return np.minimum(sparsities * factor, LARGEST)
