"""What every pruner takes and gives: a net in, a masked net and its channel masks out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from filterbench.errors import InputError
from filterbench.weights import Weights, read_weights, write_weights

ChannelMasks = dict[str, Tensor]


@dataclass(frozen=True)
class PrunedNet:
    """A net whose pruned filters are zero.

    Attributes:
        model: the net, its masks multiplied into the weights.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
    """

    model: nn.Module
    masks: ChannelMasks


class Pruner(Protocol):
    """Chooses which filters of a net to remove."""

    def prune(self, model: nn.Module, sparsity: float) -> PrunedNet:
        """Mask a share of the filters.

        Args:
            model: a trained net for inputs of (batch, 3, 32, 32); it is changed.
            sparsity: share of the filters to mask, above 0 and below 1.
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
        InputError: the file is unreadable or holds no masks.
    """
    tensors = read_weights(path)
    weights = {
        name.removeprefix(WEIGHT): tensor for name, tensor in tensors.items() if name.startswith(WEIGHT)
    }
    masks = {name.removeprefix(MASK): tensor for name, tensor in tensors.items() if name.startswith(MASK)}
    if not weights or not masks:
        raise InputError(f"{path}: not a masked net: no names that start with {WEIGHT} and {MASK}")
    return weights, masks
