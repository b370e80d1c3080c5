"""Scores of channels from their feature maps on training images.

A channel's feature map is what the layers after its convolution pass on: its BatchNorm, if one follows, and a
ReLU. Channels of a group have the mean of their layers' scores.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch_pruning.pruner.importance import Importance

from filterbench.models.graph import graph_of
from filterbench.pruners.groups import GroupPruner
from filterbench.pruners.search.search import Search

BATCH = 32


class FeatureMapPruner(GroupPruner):
    """By what a channel's feature maps show, mean over images."""

    @abstractmethod
    def of_maps(self, maps: Tensor) -> Tensor:
        """Score the channels of a layer.

        Args:
            maps: (images, channels, height, width), from 0.

        Returns:
            The sum over images, (channels,).
        """

    @torch.no_grad()
    def scorer(self, model: nn.Module, search: Search) -> Importance:
        """See `GroupPruner.scorer`."""
        count, scores = self.looked_at(search), dict[nn.Module, Tensor]()

        def add(convolution: nn.Module, maps: Tensor) -> None:
            found = self.of_maps(relu(maps)) / count
            scores[convolution] = scores[convolution] + found if convolution in scores else found

        with _watched(model, add):
            for images, _ in search.training_batches(count, BATCH):
                model(images)
        return lambda group: torch.stack(
            [
                scores[dependency.target.module][torch.as_tensor(indices)]
                for dependency, indices in group
                if dependency.target.module in scores
                and dependency.handler.__name__.endswith("_out_channels")
            ]
        ).mean(dim=0)


class HRank(FeatureMapPruner):
    """By the rank of the feature map as a matrix (HRank: Lin et al. 2020, arXiv:2002.10179, section 3.2)."""

    def of_maps(self, maps: Tensor) -> Tensor:
        """See `FeatureMapPruner.of_maps`."""
        return torch.linalg.matrix_rank(maps.contiguous()).sum(dim=0).float()


class CHIP(FeatureMapPruner):
    """By a feature map's independence of the layer's others (CHIP: Sui et al. 2021, arXiv:2110.13981).

    How much smaller the nuclear norm of the layer's maps, one row per channel, is without the channel's row
    (equation 3 there).
    """

    def of_maps(self, maps: Tensor) -> Tensor:
        """See `FeatureMapPruner.of_maps`."""
        rows = maps.flatten(2)
        whole = torch.linalg.matrix_norm(rows, ord="nuc")
        without = ~torch.eye(rows.shape[1], dtype=torch.bool, device=rows.device)
        return torch.stack(
            [(whole - torch.linalg.matrix_norm(rows * kept[:, None], ord="nuc")).sum() for kept in without]
        )


class APoZ(FeatureMapPruner):
    """By the share of a feature map above zero (APoZ: Hu et al. 2016, arXiv:1607.03250, section 3.1)."""

    def of_maps(self, maps: Tensor) -> Tensor:
        """See `FeatureMapPruner.of_maps`."""
        return (maps > 0).float().mean(dim=(2, 3)).sum(dim=0)


class MeanActivation(FeatureMapPruner):
    """By the mean of a feature map (Molchanov et al. 2016, arXiv:1611.06440, section 2.2)."""

    def of_maps(self, maps: Tensor) -> Tensor:
        """See `FeatureMapPruner.of_maps`."""
        return maps.mean(dim=(2, 3)).sum(dim=0)


@contextmanager
def _watched(model: nn.Module, look: Callable[[nn.Module, Tensor], None]) -> Iterator[None]:
    """Inside, `look` is called with each convolution and what its BatchNorm, or else itself, gives."""
    modules = dict(model.named_modules())
    hooks = []
    for node in graph_of(model).nodes:
        if node.op != "call_module" or not isinstance(modules[node.target], nn.Conv2d):
            continue
        convolution = given = modules[node.target]
        followers = [modules.get(str(user.target)) for user in node.users]
        if len(followers) == 1 and isinstance(followers[0], nn.BatchNorm2d):
            given = followers[0]

        def hook(_module: nn.Module, _inputs: object, output: Tensor, of: nn.Module = convolution) -> None:
            look(of, output)

        hooks.append(given.register_forward_hook(hook))
    try:
        yield
    finally:
        for each in hooks:
            each.remove()
