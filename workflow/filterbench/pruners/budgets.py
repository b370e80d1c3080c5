"""A budget of FLOPs or latency, and how a pruner that does not search meets it.

The sparsity is found on costs alone. What a net costs is always that of its compact form, where a sum keeps
the channels that any of its terms keeps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from filterbench.nni_adaptor import apply_masks
from filterbench.pruners.masking import ChannelMasks, PrunedNet, Pruner
from filterbench.pruners.searching import InfeasibleError, Search
from filterbench.pruners.uniform import uniform_steps
from filterbench.slicing import channel_sources

# How far below a budget a net may end, as a share of the budget.
SLACK = 0.02


@dataclass(frozen=True)
class Budget:
    """What a net may cost.

    Attributes:
        share: of the unpruned net's cost, above 0 and below 1.
        cost: what the compact form of a masked net costs, above 0; never more with fewer channels.
    """

    share: float
    cost: Callable[[ChannelMasks], float]

    @cached_property
    def original(self) -> float:
        """What the unpruned net costs."""
        return self.cost({})

    def reached(self, masks: ChannelMasks) -> float:
        """The share of the unpruned net's cost that is left."""
        return self.cost(masks) / self.original

    def met(self, masks: ChannelMasks) -> bool:
        """Whether a net is not above the budget."""
        return self.reached(masks) <= self.share

    def used(self, masks: ChannelMasks) -> bool:
        """Whether a net that meets the budget lies within `SLACK` of it."""
        return self.reached(masks) >= (1 - SLACK) * self.share


@runtime_checkable
class BudgetPruner(Protocol):
    """A pruner that searches under a budget."""

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """Mask filters until a budget is met.

        Args:
            model: a trained net for inputs of (batch, 3, 32, 32); it is changed.
            budget: to be met, never exceeded.
            search: what candidates are evaluated and trained with.

        Raises:
            InfeasibleError: the budget cannot be met.
        """
        ...


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
