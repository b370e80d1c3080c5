"""Which channels go, given the scores of all: rankings over the whole net, or shares for each group."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Group:
    """Convolutions that keep the same channels.

    Attributes:
        layers: their names.
        scores: of the channels, (channels,), on the CPU; the lowest go first.
        structure: equal for groups of the same kinds of layers.
        density: of Erdős-Rényi-Kernel, the mean over the layers (see `erdos_renyi_kernel`).
    """

    layers: list[str]
    scores: Tensor
    structure: tuple[str, ...] = ()
    density: float = 1.0

    @property
    def filters(self) -> int:
        """Of all layers together."""
        return len(self.scores) * len(self.layers)


@dataclass(frozen=True)
class Limits:
    """What no ranking removes, and what was there before the first round.

    Attributes:
        smallest_share: of the channels that each group had at first, 0 to 1; at least one stays in any case.
        spared: whether a whole group stays, one bool per group.
        channels: how many channels each group had at first.
    """

    smallest_share: float
    spared: Sequence[bool]
    channels: Sequence[int]

    def stay(self, groups: Sequence[Group]) -> list[int]:
        """How many channels stay at least, by group."""
        return [
            len(group.scores) if spared else max(1, math.ceil(self.smallest_share * channels))
            for group, spared, channels in zip(groups, self.spared, self.channels, strict=True)
        ]

    def filters(self, groups: Sequence[Group]) -> int:
        """How many filters all groups had at first."""
        pairs = zip(groups, self.channels, strict=True)
        return sum(len(group.layers) * channels for group, channels in pairs)

    def of(self, indices: Sequence[int]) -> Limits:
        """Those of some of the groups."""
        return Limits(
            self.smallest_share,
            [self.spared[index] for index in indices],
            [self.channels[index] for index in indices],
        )


# From groups, the sparsity and the limits: by group, bool of shape (channels,), true if kept. The sparsity is
# that of the net before the first round, so that what one round leaves too many goes in the next.
Rule = Callable[[Sequence[Group], float, Limits], list[Tensor]]


def ranked_together(groups: Sequence[Group], sparsity: float, limits: Limits) -> list[Tensor]:
    """The lowest channels of the whole net go, until `sparsity` of all filters have.

    A channel costs a filter in each layer of its group.
    """
    scores = [group.scores.clone() for group in groups]
    for own, count in zip(scores, limits.stay(groups), strict=True):
        own[own.argsort(stable=True, descending=True)[:count]] = torch.inf
    ranked = torch.cat(scores)
    order = ranked.argsort(stable=True)
    filters = torch.cat([torch.full((len(group.scores),), len(group.layers)) for group in groups])
    first = limits.filters(groups)
    more = int(sparsity * first) - (first - int(filters.sum()))
    goes = (filters[order].cumsum(0) <= more) & ranked[order].isfinite()
    kept = torch.ones(len(ranked), dtype=torch.bool)
    kept[order[goes]] = False
    return list(kept.split([len(group.scores) for group in groups]))


def ranked_by_structure(groups: Sequence[Group], sparsity: float, limits: Limits) -> list[Tensor]:
    """The same among groups of the same kinds of layers, whose scores compare best.

    Isomorphic pruning (Fang et al. 2024, arXiv:2407.04616, section 3).
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for index, group in enumerate(groups):
        alike.setdefault(group.structure, []).append(index)
    kept: dict[int, Tensor] = {}
    for indices in alike.values():
        own = ranked_together([groups[index] for index in indices], sparsity, limits.of(indices))
        kept.update(zip(indices, own, strict=True))
    return [kept[index] for index in range(len(groups))]


def ranked_apart(groups: Sequence[Group], sparsity: float, limits: Limits) -> list[Tensor]:
    """The lowest `sparsity` of every group go."""
    pairs = zip(groups, limits.channels, strict=True)
    more = [int(sparsity * channels) - (channels - len(group.scores)) for group, channels in pairs]
    return _lowest_go(groups, more, limits)


def erdos_renyi_kernel(groups: Sequence[Group], sparsity: float, limits: Limits) -> list[Tensor]:
    """The lowest of every group go; small layers keep a larger share of their channels.

    A layer's density is proportional to (inputs + outputs + height + width) / (inputs · outputs · height ·
    width) of its kernel, at most 1 (Erdős-Rényi-Kernel: Evci et al. 2020, arXiv:1911.11134, section 3). There
    it is the share of single weights; here it is that of a group's channels, and the densities are scaled so
    that `sparsity` of all filters go. What the limits then keep goes nowhere else, so that less is removed.
    """
    left = (1 - sparsity) * limits.filters(groups)
    shares = [1.0] * len(groups)
    open_groups = set(range(len(groups)))
    while open_groups:
        budget = left - sum(group.filters for index, group in enumerate(groups) if index not in open_groups)
        scale = budget / sum(groups[index].density * groups[index].filters for index in open_groups)
        full = {index for index in open_groups if scale * groups[index].density >= 1}
        if not full:
            for index in open_groups:
                shares[index] = max(0.0, scale * groups[index].density)
            break
        open_groups -= full
    more = [int((1 - share) * len(group.scores)) for group, share in zip(groups, shares, strict=True)]
    return _lowest_go(groups, more, limits)


def _lowest_go(groups: Sequence[Group], numbers: Sequence[int], limits: Limits) -> list[Tensor]:
    """So many channels of each group go, as far as the limits allow."""
    ranks = [group.scores.argsort(stable=True).argsort() for group in groups]
    return [
        channels >= min(number, len(channels) - count)
        for channels, number, count in zip(ranks, numbers, limits.stay(groups), strict=True)
    ]


RULES: dict[str, Rule] = {
    "global": ranked_together,
    "isomorphic": ranked_by_structure,
    "local": ranked_apart,
    "erk": erdos_renyi_kernel,
}
