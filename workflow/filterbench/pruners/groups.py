"""Pruners that remove whole groups of channels at once, by Torch-Pruning's graph and scores.

Layers that must keep the same channels, such as the branches of a sum, form one group. Each channel has one
score in its group, and goes in all its layers or in none. The dependency graph is that of DepGraph (Fang et
al. 2023, arXiv:2301.12900, section 3.2). All four pruners score the baseline as it is. There is no sparse
training before, as in DepGraph and network slimming, so that every pruner starts from the same net.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch_pruning
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch_pruning.pruner import importance
from torch_pruning.pruner.importance import Importance

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.models.inputs import example_input
from filterbench.pruners.search.search import Search
from filterbench.storage.errors import InputError


@dataclass(frozen=True)
class _Group:
    """Convolutions that keep the same channels.

    Attributes:
        layers: their names.
        scores: of the channels, (channels,), on the CPU; the lowest go first.
    """

    layers: list[str]
    scores: Tensor


@dataclass(frozen=True)
class GroupPruner:
    """Masks the channels of lowest score in all convolutions of their group; each keeps at least one.

    Attributes:
        score: Torch-Pruning's scores of a group's channels; a subclass sets them.
        global_pruning: rank the channels of the whole net together, as the papers do, so that
            `sparsity` is the share of all filters; otherwise it is the share in every convolution.
        images: how many training images give the gradients, from 1 (or all, if there are fewer); None for
            scores without gradients.
    """

    score: ClassVar[Importance]
    global_pruning: bool = True
    images: int | None = None

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`.

        Raises:
            InputError: `images` is below 1.
        """
        scored = copy.deepcopy(model).eval()
        if self.images is not None:
            _add_gradients(scored, self.images, search)
        groups = _groups(scored, self.score)
        kept = _ranked_together(groups, sparsity) if self.global_pruning else _ranked_apart(groups, sparsity)
        device = example_input(model).device
        masks: ChannelMasks = {
            layer: channels.to(device, copy=True)
            for group, channels in zip(groups, kept, strict=True)
            for layer in group.layers
        }
        apply_masks(model, masks)
        return PrunedNet(model, masks)


class GroupNorm(GroupPruner):
    """By the mean squared norm of a channel's weights in all layers, relative to its group's mean.

    DepGraph (Fang et al. 2023, arXiv:2301.12900, section 3.3).
    """

    score = importance.GroupMagnitudeImportance(p=2, normalizer="mean")


class BNScale(GroupPruner):
    """By the size of a channel's BatchNorm weight, mean over the group's layers, comparable across layers.

    Network slimming (Liu et al. 2017, arXiv:1708.06519, section 3).
    """

    score = importance.BNScaleImportance(normalizer=None)


class Taylor(GroupPruner):
    """By the first-order change of the loss without a channel's weights, comparable across layers.

    Molchanov et al. 2019, arXiv:1906.10771, section 3: weights times gradients.
    """

    score = importance.GroupTaylorImportance(normalizer=None)


class LAMP(GroupPruner):
    """By a channel's squared norm over the sum of those of all channels of its group that are no smaller.

    LAMP (Lee et al. 2021, arXiv:2010.07611), for channels instead of single weights.
    """

    score = importance.LAMPImportance()


def _add_gradients(model: nn.Module, count: int, search: Search) -> None:
    """Give the parameters the gradient of the mean loss on random training images, in evaluation mode."""
    if count < 1:
        raise InputError(f"pruners: arguments.images: {count}; allowed: at least 1")
    drawn = min(count, len(search.splits.train))
    for images, labels in search.training_batches(count):
        loss = cross_entropy(model(images), labels, reduction="sum")
        (loss / drawn).backward()


def _groups(model: nn.Module, score: Importance) -> list[_Group]:
    """The groups of a net, in its order; a channel has the same index in every layer of its group."""
    names = {module: name for name, module in model.named_modules()}
    order = list(names.values())
    graph = torch_pruning.DependencyGraph().build_dependency(model, example_input(model))
    groups = []
    for group in graph.get_all_groups(root_module_types=[nn.Conv2d]):
        layers = [
            names[dependency.target.module]
            for dependency, _ in group
            if isinstance(dependency.target.module, nn.Conv2d)
            and graph.is_out_channel_pruning_fn(dependency.handler)
        ]
        groups.append(_Group(sorted(layers, key=order.index), score(group).detach().cpu()))
    return sorted(groups, key=lambda group: order.index(group.layers[0]))


def _ranked_apart(groups: list[_Group], sparsity: float) -> list[Tensor]:
    """By group, bool of shape (channels,): false for the lowest `sparsity` of every group."""
    ranks = [group.scores.argsort(stable=True).argsort() for group in groups]
    return [channels >= int(sparsity * len(channels)) for channels in ranks]


def _ranked_together(groups: list[_Group], sparsity: float) -> list[Tensor]:
    """By group, bool of shape (channels,): false for the lowest of all, `sparsity` of all filters.

    A channel costs a filter in each layer of its group; the highest channel of each group always stays.
    """
    scores = [group.scores.clone() for group in groups]
    for group_scores in scores:
        group_scores[group_scores.argmax()] = torch.inf
    ranked = torch.cat(scores)
    order = ranked.argsort(stable=True)
    filters = torch.cat([torch.full((len(group.scores),), len(group.layers)) for group in groups])
    goes = (filters[order].cumsum(0) <= int(sparsity * filters.sum())) & ranked[order].isfinite()
    kept = torch.ones(len(ranked), dtype=torch.bool)
    kept[order[goes]] = False
    return list(kept.split([len(group.scores) for group in groups]))
