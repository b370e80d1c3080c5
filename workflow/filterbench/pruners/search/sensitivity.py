"""Sensitivity: the accuracy of a net of which one group of convolutions is pruned and all others are whole.

The analysis is that of Li et al. 2016 (arXiv:1608.08710, section 3.2), as in NNI's SensitivityAnalysis: each
layer alone, at several rates, without training. A group is one convolution or, where outputs are summed, all
convolutions of the sum, because a channel of a sum goes in all of them or in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.models.depthwise import mask_depthwise
from filterbench.pruners.given_layers import largest_filters, summed_together
from filterbench.pruners.search.annealing import score_of
from filterbench.pruners.search.search import Search
from filterbench.pruners.uniform import prunable_convolutions
from filterbench.storage.journal import Journal


class FilterGroups:
    """The groups of a net's convolutions, and their masks.

    Args:
        model: the net; it is not changed.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters of a group.

    Attributes:
        layers: names of each group's convolutions, in the net's order.
        channels: filters of each convolution of a group, int64, (groups,).
        weights: number of weights of a group's convolutions, int64, (groups,).
    """

    def __init__(self, model: nn.Module, base_algo: str = "l1") -> None:
        self._model, self._algorithm = model, base_algo
        self._known: dict[tuple[str, int], Tensor] = {}
        convolutions = prunable_convolutions(model)
        self.layers = summed_together(model)
        self.channels = np.array([convolutions[first].out_channels for first, *_ in self.layers])
        self.weights = np.array(
            [sum(convolutions[name].weight.numel() for name in names) for names in self.layers]
        )

    def removed(self, rates: np.ndarray) -> np.ndarray:
        """How many filters go, rounded down to whole ones.

        Args:
            rates: shares of the filters, 0 to below 1; any shape whose first dimension is 1 or the groups.

        Returns:
            int64, the same shape with all groups.
        """
        channels = self.channels.reshape(-1, *[1] * (rates.ndim - 1))
        return (channels * rates).astype(int)

    def masks(self, removed: Sequence[int]) -> ChannelMasks:
        """Masks without the lowest filters of each group, with those of depthwise convolutions.

        Args:
            removed: filters that go from each convolution of a group, (groups,), below its channels.
        """
        masks = {
            name: self._mask(group, count)
            for group, count in enumerate(removed)
            if count
            for name in self.layers[group]
        }
        mask_depthwise(self._model, masks)
        return masks

    def masks_at(self, rates: np.ndarray) -> ChannelMasks:
        """The same at each group's rate, 0 to below 1, (groups,)."""
        return self.masks(self.removed(rates).tolist())

    def _mask(self, group: int, count: int) -> Tensor:
        names = self.layers[group]
        if (names[0], count) not in self._known:
            kept = int(self.channels[group]) - count
            self._known[names[0], count] = largest_filters(self._model, names, kept, self._algorithm)
        return self._known[names[0], count].clone()


@dataclass(frozen=True)
class Sensitivity:
    """What pruning each group alone costs.

    Attributes:
        original: accuracy of the unpruned net on the images that judge, 0..1.
        removed: filters that go, int64, (groups, rates), rising with the rate.
        accuracies: of the net without them, 0..1, (groups, rates).
    """

    original: float
    removed: np.ndarray
    accuracies: np.ndarray


def analyse(
    model: nn.Module, groups: FilterGroups, rates: Sequence[float], search: Search, journal: Journal
) -> Sensitivity:
    """Prune each group alone at each rate, and judge the net as the search does.

    Rates that remove the same filters are judged once; at a rate that removes none, the net is the unpruned
    one.

    Args:
        model: the net; it is not changed.
        groups: of the net.
        rates: rising, each above 0 and below 1.
        search: where candidates are judged and counted.
        journal: where their scores are recorded.
    """
    removed = groups.removed(np.array([rates]))
    original = score_of(model, {}, search, journal)
    accuracies = []
    for group, counts in enumerate(removed.tolist()):
        known = {0: original}
        for count in counts:
            if count not in known:
                alone = [count if each == group else 0 for each in range(len(removed))]
                known[count] = score_of(model, groups.masks(alone), search, journal)
        accuracies.append([known[count] for count in counts])
    return Sensitivity(original, removed, np.array(accuracies))
