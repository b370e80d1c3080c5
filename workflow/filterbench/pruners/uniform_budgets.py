"""How a pruner that does not search meets a budget of FLOPs or latency.

The sparsity is found on costs alone. What a net costs is always that of its compact form, where a sum keeps
the channels that any of its terms keeps.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.compaction.slicing import channel_sources
from filterbench.costs.budget import Budget
from filterbench.pruners.contract import InfeasibleError, Pruner
from filterbench.pruners.search.search import Search
from filterbench.pruners.uniform import uniform_steps


def prune_uniformly(pruner: Pruner, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
    """The largest net of one sparsity for all convolutions that meets a budget.

    Where its steps are too coarse to end within `SLACK`, filters that the next lower sparsity keeps are
    given back one by one while the budget holds: no layer is further than one step from uniform. Where the
    pruner takes a channel from all convolutions of a sum at once, it goes back to all of them.

    Args:
        pruner: masks the same share of the filters in every convolution, more of them at a higher one.
        model: a trained net; it is changed.
        budget: to be met.
        search: what the pruner is given.

    Raises:
        InfeasibleError: one filter a convolution is still above the budget.
    """

    def masks_at(sparsity: float) -> ChannelMasks:
        return pruner.prune(copy.deepcopy(model), sparsity, search).masks

    steps = uniform_steps(model)
    larger: ChannelMasks = {}
    smaller = masks_at(steps[-1])
    if not budget.met(smaller):
        left = f"{budget.reached(smaller):.2%} of the unpruned one's cost"
        raise InfeasibleError(f"with the fewest filters in each convolution the net still has {left}")
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        masks = masks_at(steps[middle])
        if budget.met(masks):
            high, smaller = middle, masks
        else:
            low, larger = middle + 1, masks
    masks = _give_back(smaller, larger, _moving_together(model, smaller, larger), budget)
    apply_masks(model, masks)
    return PrunedNet(model, masks)


def _moving_together(model: nn.Module, masks: ChannelMasks, larger: ChannelMasks) -> list[list[str]]:
    """The convolutions, those together that make the same channels and of which both nets keep the same."""
    together: dict[tuple, list[str]] = {}
    sources = channel_sources(model)
    for name, kept in masks.items():
        _, makers = sources[name]
        both = tuple(kept.tolist()), tuple(larger.get(name, torch.ones_like(kept)).tolist())
        together.setdefault((makers, *both), []).append(name)
    return list(together.values())


def _give_back(
    masks: ChannelMasks, larger: ChannelMasks, groups: list[list[str]], budget: Budget
) -> ChannelMasks:
    """Masks that keep channels of a larger net too, until they use the budget or no channel fits any more."""
    result = {name: kept.clone() for name, kept in masks.items()}
    for group, index in _differences(masks, larger, groups):
        if budget.used(result):
            break
        for name in group:
            result[name][index] = True
        if not budget.met(result):
            for name in group:
                result[name][index] = False
    return result


def _differences(
    masks: ChannelMasks, larger: ChannelMasks, groups: list[list[str]]
) -> Iterator[tuple[list[str], int]]:
    """The channels that the larger net alone keeps, by group, in the net's order."""
    for group in groups:
        kept = masks[group[0]]
        wanted = larger.get(group[0], torch.ones_like(kept)) & ~kept
        for index in wanted.nonzero().flatten().tolist():
            yield group, index
