"""The contract of pruners: each takes a net, and returns a masked net with its channel masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet
from filterbench.costs.budget import Budget
from filterbench.storage.errors import InputError

if TYPE_CHECKING:
    from filterbench.pruners.search.extent import Cost, Extent
    from filterbench.pruners.search.search import Search


class InfeasibleError(Exception):
    """A target that a pruner cannot reach; the message says why."""


class Pruner(Protocol):
    """Chooses which filters of a net to remove."""

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """Mask a share of the filters.

        Args:
            model: a trained net for inputs of (batch, 3, height, width); it is changed.
            sparsity: share of the filters to mask, above 0 and below 1.
            search: what candidates are evaluated and trained with.
        """
        ...


class Searching(Pruner, Protocol):
    """A pruner that searches, and can estimate the cost of its search."""

    def least_cost(self, extent: Extent) -> Cost:
        """The least that the search spends."""
        ...


@runtime_checkable
class BudgetPruner(Protocol):
    """A pruner that searches under a budget."""

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """Mask filters until a budget is met.

        Args:
            model: a trained net for inputs of (batch, 3, height, width); it is changed.
            budget: to be met, never exceeded.
            search: what candidates are evaluated and trained with.

        Raises:
            InfeasibleError: the budget cannot be met.
        """
        ...


@runtime_checkable
class RankingPruner(Protocol):
    """A pruner that scores a net once, whatever share of it goes."""

    def ranked(self, model: nn.Module, search: Search) -> Callable[[float], ChannelMasks]:
        """Score a net.

        Args:
            model: a trained net for inputs of (batch, 3, height, width); it is not changed.
            search: the training images and the seed.

        Returns:
            A function from a sparsity, above 0 and below 1, to the masks that `prune` has at it.
        """
        ...


def channels_of(model: nn.Module) -> dict[str, int]:
    """Output channels of each convolution of a net, by its name."""
    return {name: layer.out_channels for name, layer in _convolutions(model).items()}


def checked(returned: object, channels: Mapping[str, int], pruner: object) -> PrunedNet:
    """What a pruner returned, if the later stages can work with it.

    Args:
        returned: by `prune` or `prune_within`.
        channels: `channels_of` the net that the pruner was given.
        pruner: the pruner, for the error.

    Raises:
        InputError: it is not a pruned net, has other convolutions, or masks that are not as `PrunedNet` says
            or are not multiplied into the weights.
        InfeasibleError: a convolution has no filter left.
    """
    source = f"{type(pruner).__name__}: the pruner"
    if not isinstance(returned, PrunedNet) or not isinstance(returned.model, nn.Module):
        raise InputError(f"{source} returned {type(returned).__name__}; allowed: a PrunedNet with a net")
    layers = _convolutions(returned.model)
    found = channels_of(returned.model)
    if found.keys() != channels.keys() or (not returned.compact and found != dict(channels)):
        raise InputError(
            f"{source} returned a net with other convolutions; allowed: those of the net that it was given, "
            "with all their channels unless `compact` is set"
        )
    if returned.compact and returned.masks:
        raise InputError(f"{source} returned a compact net with masks; allowed: either of them")
    for name, kept in returned.masks.items():
        if name not in layers:
            raise InputError(f"{source} masks {name!r}; allowed: the convolutions {', '.join(layers)}")
        _check_mask(f"{source}'s mask of {name}", kept, layers[name])
    return returned


def _check_mask(source: str, kept: object, layer: nn.Conv2d) -> None:
    weight = layer.weight
    allowed = f"torch.bool {tuple(weight.shape[:1])} on {weight.device}, true where kept"
    if not isinstance(kept, Tensor):
        raise InputError(f"{source} is of type {type(kept).__name__}; allowed: {allowed}")
    if (kept.dtype, kept.shape, kept.device) != (torch.bool, weight.shape[:1], weight.device):
        raise InputError(f"{source} is {kept.dtype} {tuple(kept.shape)} on {kept.device}; allowed: {allowed}")
    if not kept.any():
        raise InfeasibleError(f"{source} leaves no filter")
    if weight[~kept].any():
        raise InputError(f"{source} is not multiplied into the weights; call apply_masks(model, masks)")


def _convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)}
