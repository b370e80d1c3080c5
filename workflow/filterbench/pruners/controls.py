"""Controls: what random filters, random allocation and uniform allocation reach (docs/controls.md)."""

from __future__ import annotations

import copy
import logging
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.models.depthwise import mask_depthwise
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.nni import BASE_ALGORITHMS, filter_masks, masked_by, wrapped_masks
from filterbench.pruners.search.annealing import evaluator_of
from filterbench.pruners.search.sampling import draw_sparsities
from filterbench.pruners.search.search import Search, derived_seed
from filterbench.pruners.uniform import prunable_convolutions, uniform_steps

logger = logging.getLogger(__name__)

# NNI's annealing leaves layers below it as they are: their masks would be all ones.
SMALLEST_SPARSITY = 1e-6


@dataclass(frozen=True)
class RandomFilters:
    """The same share of random filters in every convolution (Mittal et al. 2018, arXiv:1801.10447).

    What one seed masks at a sparsity, it masks at every higher one too.
    """

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        generator = torch.Generator().manual_seed(derived_seed(search.seed))
        masks = {}
        for name, module in prunable_convolutions(model).items():
            order = torch.randperm(module.out_channels, generator=generator)
            kept = order >= int(module.out_channels * sparsity)
            masks[name] = kept.to(module.weight.device)
        mask_depthwise(model, fx.symbolic_trace(model).graph, masks)
        apply_masks(model, masks)
        return PrunedNet(model, masks)


@dataclass(frozen=True)
class RandomAllocation:
    """The best of random sparsities for the layers (random search: Li & Talwalkar 2019, arXiv:1902.07638).

    Each draw is one that the annealing could begin with, and is masked and judged as a candidate of the
    annealing is.

    Attributes:
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
        evaluations: number of draws, from 1.
    """

    base_algo: str
    evaluations: int

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        journal = search.journal("random-allocation", self.evaluations)
        evaluator = evaluator_of(model, search, journal)
        random = np.random.RandomState(derived_seed(search.seed))
        best, best_score, best_index = ChannelMasks(), -1.0, 0
        for index in range(self.evaluations):
            masked = masked_by(self.base_algo, copy.deepcopy(model), _random_config(model, sparsity, random))
            score = evaluator(masked)
            if score > best_score:
                best, best_score, best_index = wrapped_masks(masked), score, index
        journal.accept(best_index)
        search.add_steps(journal)
        apply_masks(model, best)
        return PrunedNet(model, best)


@dataclass(frozen=True)
class UniformAllocation:
    """One sparsity for all convolutions: the lowest at which the compact net has at most some params.

    Attributes:
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
        params: the most params of the compact net.
    """

    base_algo: str
    params: int

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; here the params decide, not the sparsity.

        Raises:
            InfeasibleError: no sparsity below 1 leaves so few params.
        """
        steps = uniform_steps(model)
        step = bisect_left(steps, True, key=lambda step: self._compact_params(model, step) <= self.params)
        if step == len(steps):
            raise InfeasibleError(f"no sparsity that is the same in all layers leaves {self.params} params")
        logger.info("uniform sparsity %.4f for at most %d params", steps[step], self.params)
        return PrunedNet(model, self._mask(model, steps[step]))

    def _compact_params(self, model: nn.Module, sparsity: float) -> int:
        masked = copy.deepcopy(model)
        masks = self._mask(masked, sparsity)
        smaller = slice_channels(masked, kept_indices(masked, masks))
        return sum(parameter.numel() for parameter in smaller.parameters())

    def _mask(self, model: nn.Module, sparsity: float) -> ChannelMasks:
        return filter_masks(BASE_ALGORITHMS[self.base_algo], model, sparsity)


def _random_config(model: nn.Module, sparsity: float, random: np.random.RandomState) -> list[dict[str, Any]]:
    """NNI's config list of a random allocation; a layer with more weights has no lower sparsity."""
    layers = sorted(prunable_convolutions(model).items(), key=lambda layer: layer[1].weight.numel())
    weights = np.array([module.weight.numel() for _, module in layers])
    return [
        {"sparsity": drawn, "op_types": ["Conv2d"], "op_names": [name]}
        for (name, _), drawn in zip(layers, draw_sparsities(weights, sparsity, random), strict=True)
        if drawn > SMALLEST_SPARSITY
    ]
