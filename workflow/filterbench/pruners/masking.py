"""What every pruner takes and gives: a net in, a masked net and its channel masks out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

from filterbench.errors import InputError
from filterbench.weights import Weights, read_weights, write_weights

if TYPE_CHECKING:
    from filterbench.pruners.searching import Search

ChannelMasks = dict[str, Tensor]


@dataclass(frozen=True)
class PrunedNet:
    """A net whose pruned filters are zero, or gone already.

    Attributes:
        model: the net, its masks multiplied into the weights.
        masks: by name of a convolution, bool of shape (output channels,): true where kept; empty for a
            pruner that gives a compact net.
    """

    model: nn.Module
    masks: ChannelMasks


class Pruner(Protocol):
    """Chooses which filters of a net to remove."""

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """Mask a share of the filters.

        Args:
            model: a trained net for inputs of (batch, 3, 32, 32); it is changed.
            sparsity: share of the filters to mask, above 0 and below 1.
            search: what a pruner that evaluates or trains candidates does so with.
        """
        ...


WEIGHT, MASK = "weights/", "mask/"


def write_masked_net(path: Path, pruned: PrunedNet) -> None:
    """Write a masked net's weights and channel masks to one safetensors file."""
    weights = {f"{WEIGHT}{name}": tensor for name, tensor in pruned.model.state_dict().items()}
    masks = {f"{MASK}{name}": kept for name, kept in pruned.masks.items()}
    write_weights(path, weights | masks)


def read_masked_net(path: Path) -> tuple[Weights, ChannelMasks]:
    """Read what `write_masked_net` wrote: the weights and the masks.

    Raises:
        InputError: the file is unreadable or another file.
    """
    tensors = read_weights(path)
    weights = {
        name.removeprefix(WEIGHT): tensor for name, tensor in tensors.items() if name.startswith(WEIGHT)
    }
    masks = {name.removeprefix(MASK): tensor for name, tensor in tensors.items() if name.startswith(MASK)}
    if len(weights) + len(masks) < len(tensors):
        raise InputError(f"{path}: not a masked net: not all names start with {WEIGHT} or {MASK}")
    return weights, masks
