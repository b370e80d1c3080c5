"""Controls: what random filters, random allocation and uniform allocation reach (docs/controls.md)."""

from __future__ import annotations

import copy
import logging
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.compaction.speedup import compact
from filterbench.costs.layer_costs import FlopsCost
from filterbench.models.depthwise import mask_depthwise
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.nni import BASE_ALGORITHMS, filter_masks
from filterbench.pruners.search.allocation import Allocation, Layers, WeightAllocation
from filterbench.pruners.search.annealing import judged
from filterbench.pruners.search.search import Search, derived_seed
from filterbench.pruners.uniform import prunable_convolutions, uniform_steps

logger = logging.getLogger(__name__)

# Masks a net at a sparsity, and returns the masks.
Masking = Callable[[nn.Module, float], ChannelMasks]
# Counts the compact form of a masked net, from it and its masks.
Count = Callable[[nn.Module, ChannelMasks], int]
# How many of the first convolutions `UniformSparing` leaves whole.
SPARED = 2


@dataclass(frozen=True)
class RandomFilters:
    """The same share of random filters in every convolution (Mittal et al. 2018, arXiv:1801.10447).

    A filter that a seed masks at some sparsity is also masked at every higher one.
    """

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        generator = torch.Generator().manual_seed(derived_seed(search.seed))
        masks = {}
        for name, module in prunable_convolutions(model).items():
            order = torch.randperm(module.out_channels, generator=generator)
            kept = order >= int(module.out_channels * sparsity)
            masks[name] = kept.to(module.weight.device)
        mask_depthwise(model, masks)
        apply_masks(model, masks)
        return PrunedNet(model, masks)


@dataclass(frozen=True)
class RandomAllocation:
    """The best of random sparsities of the layers (random search: Li & Talwalkar 2019, arXiv:1902.07638).

    Each draw is one with which the annealing could start, and is masked and judged like a candidate of the
    annealing.

    Attributes:
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
        evaluations: number of draws, from 1.
    """

    base_algo: str
    evaluations: int

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        layers = Layers(model, self.base_algo)
        return self.best_of_draws(model, layers, WeightAllocation(layers, sparsity), search)

    def best_of_draws(
        self, model: nn.Module, layers: Layers, allocation: Allocation, search: Search
    ) -> PrunedNet:
        """The net, masked by the draw of the highest score.

        Args:
            model: the net; it is changed.
            layers: of the net.
            allocation: draws sparsities that meet the target.
            search: where draws are judged and recorded.

        Raises:
            InfeasibleError: no sparsities meet the target.
        """
        journal = search.journal("random-allocation", self.evaluations)
        random = np.random.RandomState(derived_seed(search.seed))
        candidates = [
            judged(model, layers, allocation.draw(random), search, journal) for _ in range(self.evaluations)
        ]
        # Of equal scores, the first.
        best = max(range(self.evaluations), key=lambda index: candidates[index].score)
        journal.accept(best)
        search.add_steps(journal)
        masks = candidates[best].masks
        apply_masks(model, masks)
        return PrunedNet(model, masks)


@dataclass(frozen=True)
class UniformAllocation:
    """One sparsity for all convolutions: the lowest at which the compact net has at most `params` params.

    Attributes:
        params: the maximum.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
    """

    params: int
    base_algo: str = "l1"

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; here the params decide, not the sparsity.

        Raises:
            InfeasibleError: no sparsity below 1 leaves so few params.
        """
        return _largest_uniform(model, _masking(self.base_algo), "params", self.params, _compact_params)


@dataclass(frozen=True)
class UniformAbove(UniformAllocation):
    """The same matched from above: the highest sparsity at which the net has at least `params` params."""

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `UniformAllocation.prune`.

        Raises:
            InfeasibleError: the unpruned net has fewer params.
        """
        steps, mask = uniform_steps(model), _masking(self.base_algo)
        step = _first_step(model, steps, mask, _compact_params, lambda found: found < self.params)
        if step == 0:
            raise InfeasibleError(f"the unpruned net has fewer than {self.params} params")
        logger.info("uniform sparsity %.4f for at least %d params", steps[step - 1], self.params)
        return PrunedNet(model, mask(model, steps[step - 1]))


@dataclass(frozen=True)
class UniformSparing(UniformAllocation):
    """The same, but the first `SPARED` convolutions stay whole: they have few params, and few filters."""

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `UniformAllocation.prune`.

        Raises:
            InfeasibleError: no sparsity below 1 of the other convolutions leaves so few params.
        """
        mask = _masking(self.base_algo, [*prunable_convolutions(model)][:SPARED])
        return _largest_uniform(model, mask, "params", self.params, _compact_params)


@dataclass(frozen=True)
class UniformFlops:
    """The same with at most `flops` FLOPs.

    Attributes:
        flops: the maximum, multiply-accumulates of one image in the study's convention.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
    """

    flops: int
    base_algo: str = "l1"

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; here the FLOPs decide, not the sparsity.

        Raises:
            InfeasibleError: no sparsity below 1 leaves so few FLOPs.
        """
        cost, mask = FlopsCost(model), _masking(self.base_algo)
        return _largest_uniform(model, mask, "flops", self.flops, lambda _, masks: cost(masks))


def _masking(base_algo: str, spared: Sequence[str] = ()) -> Masking:
    """What masks a net's convolutions at one sparsity, but for those that are spared."""
    return partial(filter_masks, BASE_ALGORITHMS[base_algo], spared=spared)


def _largest_uniform(model: nn.Module, mask: Masking, kind: str, most: int, count: Count) -> PrunedNet:
    """The net of the lowest uniform sparsity at which a count of the compact form is at most `most`."""
    steps = uniform_steps(model)
    step = _first_step(model, steps, mask, count, lambda found: found <= most)
    if step == len(steps):
        raise InfeasibleError(f"no sparsity that is the same in all layers leaves {most} {kind}")
    logger.info("uniform sparsity %.4f for at most %d %s", steps[step], most, kind)
    return PrunedNet(model, mask(model, steps[step]))


def _first_step(
    model: nn.Module,
    steps: Sequence[float],
    mask: Masking,
    count: Count,
    small_enough: Callable[[int], bool],
) -> int:
    """The index of the first uniform sparsity whose count is small enough; their number if none is.

    The count is given the masked net and its masks. It never rises with the sparsity.
    """

    def found(sparsity: float) -> int:
        net = copy.deepcopy(model)
        return count(net, mask(net, sparsity))

    return bisect_left(steps, True, key=lambda sparsity: small_enough(found(sparsity)))


def _compact_params(masked: nn.Module, masks: ChannelMasks) -> int:
    return sum(parameter.numel() for parameter in compact(masked, masks).parameters())
