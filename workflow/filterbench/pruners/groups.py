"""Pruners that remove whole groups of channels at once, by Torch-Pruning's graph.

Layers that must keep the same channels, such as the branches of a sum, form one group. Each channel has one
score in its group, and goes in all its layers or in none. The dependency graph is that of DepGraph (Fang et
al. 2023, arXiv:2301.12900, section 3.2). All of these pruners score the net as they get it: the baseline or,
where a study asks for it, the baseline after a sparse training (`filterbench.training.penalties`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch_pruning
from torch import Tensor, nn
from torch_pruning.pruner.importance import Importance

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.compaction.rounding import rounded_masks
from filterbench.models.graph import graph_of
from filterbench.models.inputs import example_input
from filterbench.pruners.contract import channels_of
from filterbench.pruners.ranking import RULES, Group, Limits
from filterbench.pruners.rounds import SCHEDULES, train_between
from filterbench.pruners.search.extent import Cost, Extent
from filterbench.pruners.search.search import Search, compact_form
from filterbench.storage.errors import InputError

# Which groups can stay whole: those that hold the convolutions at these places, as the net runs them.
SPARED: dict[str, tuple[int, ...]] = {"none": (), "first": (0,), "last": (-1,), "ends": (0, -1)}


@dataclass(frozen=True)
class GroupPruner:
    """Masks the channels of lowest score in all convolutions of their group; each keeps at least one.

    Attributes:
        ranking: a key of `RULES`. `sparsity` is the share of all filters that go, and with `local` that of
            every convolution.
        smallest_share: of each group's channels that stays, 0 to 1 (PruningBench, arXiv:2406.12315, protects
            a tenth).
        spared: a key of `SPARED`: the groups of the first and of the last convolution can stay whole.
        rounds: in how many rounds the channels go, from 1, with a training after each but the last.
        schedule: a key of `SCHEDULES`: how much is gone after each round.
        round_epochs: epochs of that training, from 0.
        round_learning_rate: its learning rate.
        images: how many training images the scores are computed on, from 1 (or all, if there are fewer); None
            for scores without images.
    """

    ranking: str = "global"
    smallest_share: float = 0.0
    spared: str = "none"
    rounds: int = 1
    schedule: str = "cubic"
    round_epochs: int = 1
    round_learning_rate: float = 0.01
    images: int | None = None

    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """Torch-Pruning's scores of a group's channels, of each criterion its own.

        Args:
            model: a copy of the net in evaluation mode, of which the scores are taken; it may be changed.
            search: the training images and the seed.
        """
        raise NotImplementedError

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; after several rounds the net comes back compact.

        Raises:
            InputError: `images` is below 1.
        """
        if self.rounds == 1:
            masks = self.ranked(model, search)(sparsity)
            apply_masks(model, masks)
            return PrunedNet(model, masks)
        whole = channels_of(model)
        for number in range(self.rounds - 1):
            asked = SCHEDULES[self.schedule](sparsity, (number + 1) / self.rounds)
            model = self._without_lowest(model, asked, search, whole)
            train_between(model, search, number, self.round_epochs, self.round_learning_rate)
        return PrunedNet(self._without_lowest(model, sparsity, search, whole), {}, compact=True)

    def ranked(
        self, model: nn.Module, search: Search, whole: Mapping[str, int] | None = None
    ) -> Callable[[float], ChannelMasks]:
        """See `filterbench.pruners.contract.RankingPruner.ranked`.

        Args:
            model: the net.
            search: the training images and the seed.
            whole: by name of each layer, its channels before any round; None in the first round. The sparsity
                is that of the net that had them.
        """
        scored = copy.deepcopy(model).eval()
        groups = groups_of(scored, self.scorer(scored, search))
        run = _convolutions_run(model)
        ends = {run[place] for place in SPARED[self.spared]}
        spared = [not ends.isdisjoint(group.layers) for group in groups]
        channels = whole or channels_of(model)
        limits = Limits(self.smallest_share, spared, [channels[group.layers[0]] for group in groups])
        device = example_input(model).device

        def masks(sparsity: float) -> ChannelMasks:
            kept = RULES[self.ranking](groups, sparsity, limits)
            return {
                layer: own.to(device, copy=True)
                for group, own in zip(groups, kept, strict=True)
                for layer in group.layers
            }

        return masks

    def _without_lowest(
        self, model: nn.Module, sparsity: float, search: Search, whole: Mapping[str, int]
    ) -> nn.Module:
        """The net after a round, compact and in evaluation mode."""
        masks = self.ranked(model, search, whole)(sparsity)
        if search.round_channels > 1:
            masks = rounded_masks(model, masks, search.round_channels, up=True)
        return compact_form(model, masks).eval()

    def least_cost(self, extent: Extent) -> Cost:
        """What it spends, as of a search (see `filterbench.pruners.contract.Searching`)."""
        trained = (self.rounds - 1) * self.round_epochs * extent.batches(None)
        return Cost(0, self.rounds * min(self.images or 0, extent.train), trained)

    def looked_at(self, search: Search) -> int:
        """How many training images the scores are computed on; see `Search.training_batches`.

        Raises:
            InputError: `images` is below 1.
        """
        if self.images is None or self.images < 1:
            raise InputError(f"pruners: arguments.images: {self.images}; allowed: at least 1")
        return min(self.images, len(search.splits.train))


def groups_of(model: nn.Module, score: Importance) -> list[Group]:
    """The groups of a net, in the order of their first layers; a channel has one index in its whole group."""
    names = {module: name for name, module in model.named_modules()}
    order = list(names.values())
    graph = torch_pruning.DependencyGraph().build_dependency(model, example_input(model))
    groups = []
    for group in graph.get_all_groups(root_module_types=[nn.Conv2d]):
        modules = [
            dependency.target.module
            for dependency, _ in group
            if isinstance(dependency.target.module, nn.Conv2d)
            and graph.is_out_channel_pruning_fn(dependency.handler)
        ]
        structure = (
            f"{type(dependency.target.module).__name__} {dependency.handler.__name__}"
            for dependency, _ in group
        )
        groups.append(
            Group(
                sorted((names[module] for module in modules), key=order.index),
                _scores(score, group, names),
                tuple(structure),
                sum(map(_density, modules)) / len(modules),
            )
        )
    return sorted(groups, key=lambda group: order.index(group.layers[0]))


def _convolutions_run(model: nn.Module) -> list[str]:
    """The names of a net's convolutions, in the order in which it runs them."""
    names = channels_of(model)
    return [str(node.target) for node in graph_of(model).nodes if str(node.target) in names]


def _scores(score: Importance, group: torch_pruning.Group, names: Mapping[nn.Module, str]) -> Tensor:
    """The scores of a group's channels.

    Raises:
        InputError: the layers have nothing that the criterion scores, such as no BatchNorm.
    """
    found = score(group)
    if found is None:
        layers = [names[each.target.module] for each, _ in group if each.target.module in names]
        raise InputError(f"{layers[0]}: {type(score).__name__} finds nothing to score; is there a BatchNorm?")
    return found.detach().cpu()


def _density(module: nn.Conv2d) -> float:
    """Of Erdős-Rényi-Kernel, not scaled."""
    return sum(module.weight.shape) / math.prod(module.weight.shape)
