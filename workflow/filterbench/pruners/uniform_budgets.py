"""How a pruner that does not search meets a budget of FLOPs or latency.

The sparsity is found from costs alone. A net's cost is always that of its compact form, where a sum keeps the
channels that any of its terms keeps.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache

import torch
from torch import nn

from filterbench.compaction.channels import channel_sources
from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.costs.budget import Budget
from filterbench.pruners.contract import InfeasibleError, Pruner, RankingPruner, channels_of, checked
from filterbench.pruners.search.search import Search
from filterbench.pruners.uniform import uniform_steps


def prune_uniformly(pruner: Pruner, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
    """The largest net of one sparsity for all convolutions that meets a budget.

    If its steps are too coarse to end within `SLACK`, filters that the next lower sparsity keeps are given
    back one by one while the budget holds, so that each layer is within one step of uniform. A channel that
    the pruner takes from all convolutions of a sum at once is given back to all of them.

    Args:
        pruner: masks the same share of the filters in every convolution, more of them at a higher one.
        model: a trained net; it is changed.
        budget: to be met.
        search: for the pruner.

    Raises:
        InfeasibleError: one filter per convolution is still above the budget.
    """
    steps = uniform_steps(model)
    last, channels = len(steps) - 1, channels_of(model)
    ranked = pruner.ranked(model, search) if isinstance(pruner, RankingPruner) else None

    @cache
    def masks_at(step: int) -> ChannelMasks:
        net = copy.deepcopy(model)
        if ranked is None:
            pruned = pruner.prune(net, steps[step], search)
        else:
            pruned = PrunedNet(net, ranked(steps[step]))
            apply_masks(net, pruned.masks)
        return checked(pruned, channels, pruner).masks

    if not budget.met(masks_at(last)):
        left = f"{budget.reached(masks_at(last)):.2%} of the unpruned one's cost"
        raise InfeasibleError(f"with the fewest filters that its settings allow the net still has {left}")
    step = bisect_left(range(last), True, key=lambda step: budget.met(masks_at(step)))
    smaller, larger = masks_at(step), masks_at(step - 1) if step else {}
    masks = fill_budget(model, smaller, larger, budget)
    apply_masks(model, masks)
    return PrunedNet(model, masks)


def fill_budget(
    model: nn.Module, smaller: ChannelMasks, larger: ChannelMasks, budget: Budget
) -> ChannelMasks:
    """Masks that meet a budget, with channels given back one by one while it holds.

    Args:
        model: the net of the masks.
        smaller: meet the budget.
        larger: keep all channels that the smaller do, and those that can be given back.
        budget: to be met.
    """
    return _give_back(smaller, larger, _moving_together(model, smaller, larger), budget)


def _moving_together(model: nn.Module, masks: ChannelMasks, larger: ChannelMasks) -> list[list[str]]:
    """The convolutions, grouped where they make the same channels and both nets keep the same of these."""
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
    """Masks that also keep channels of a larger net, until they use the budget or no further channel fits."""
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
    """The channels that only the larger net keeps, by group, in the net's order."""
    for group in groups:
        kept = masks[group[0]]
        more = larger.get(group[0], torch.ones_like(kept)) & ~kept
        for index in more.nonzero().flatten().tolist():
            yield group, index
