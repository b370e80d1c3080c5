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
    """What no ranking removes.

    Attributes:
        smallest_share: of the channels of each group, 0 to 1; at least one channel stays in any case.
        spared: whether a whole group stays, one bool per group.
    """

    smallest_share: float
    spared: Sequence[bool]

    def stay(self, groups: Sequence[Group]) -> list[int]:
        """How many channels stay at least, by group."""
        return [
            len(group.scores) if spared else max(1, math.ceil(self.smallest_share * len(group.scores)))
            for group, spared in zip(groups, self.spared, strict=True)
        ]


# From groups, the sparsity and how many channels stay: by group, bool of shape (channels,), true if kept.
Rule = Callable[[Sequence[Group], float, Sequence[int]], list[Tensor]]


def ranked_together(groups: Sequence[Group], sparsity: float, stay: Sequence[int]) -> list[Tensor]:
    """The lowest channels of the whole net go, until `sparsity` of all filters have.

    A channel costs a filter in each layer of its group.
    """
    scores = [group.scores.clone() for group in groups]
    for own, count in zip(scores, stay, strict=True):
        own[own.argsort(stable=True, descending=True)[:count]] = torch.inf
    ranked = torch.cat(scores)
    order = ranked.argsort(stable=True)
    filters = torch.cat([torch.full((len(group.scores),), len(group.layers)) for group in groups])
    goes = (filters[order].cumsum(0) <= int(sparsity * filters.sum())) & ranked[order].isfinite()
    kept = torch.ones(len(ranked), dtype=torch.bool)
    kept[order[goes]] = False
    return list(kept.split([len(group.scores) for group in groups]))


def ranked_by_structure(groups: Sequence[Group], sparsity: float, stay: Sequence[int]) -> list[Tensor]:
    """The same among groups of the same kinds of layers, whose scores compare best.

    Isomorphic pruning (Fang et al. 2024, arXiv:2407.04616, section 3).
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for index, group in enumerate(groups):
        alike.setdefault(group.structure, []).append(index)
    kept: dict[int, Tensor] = {}
    for indices in alike.values():
        own = ranked_together(
            [groups[index] for index in indices], sparsity, [stay[index] for index in indices]
        )
        kept.update(zip(indices, own, strict=True))
    return [kept[index] for index in range(len(groups))]


def ranked_apart(groups: Sequence[Group], sparsity: float, stay: Sequence[int]) -> list[Tensor]:
    """The lowest `sparsity` of every group go."""
    return _lowest_go(groups, [sparsity] * len(groups), stay)


def erdos_renyi_kernel(groups: Sequence[Group], sparsity: float, stay: Sequence[int]) -> list[Tensor]:
    """The lowest of every group go; small layers keep a larger share of their channels.

    A layer's density is proportional to (inputs + outputs + height + width) / (inputs · outputs · height ·
    width) of its kernel, at most 1 (Erdős-Rényi-Kernel: Evci et al. 2020, arXiv:1911.11134, section 3). There
    it is the share of single weights; here it is that of a group's channels, and the densities are scaled so
    that `sparsity` of all filters go.
    """
    left = (1 - sparsity) * sum(group.filters for group in groups)
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
    return _lowest_go(groups, [1 - share for share in shares], stay)


def _lowest_go(groups: Sequence[Group], sparsities: Sequence[float], stay: Sequence[int]) -> list[Tensor]:
    ranks = [group.scores.argsort(stable=True).argsort() for group in groups]
    return [
        channels >= min(int(sparsity * len(channels)), len(channels) - count)
        for channels, sparsity, count in zip(ranks, sparsities, stay, strict=True)
    ]


RULES: dict[str, Rule] = {
    "global": ranked_together,
    "isomorphic": ranked_by_structure,
    "local": ranked_apart,
    "erk": erdos_renyi_kernel,
}
