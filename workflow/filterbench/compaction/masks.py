"""A masked net and its channel masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from filterbench.storage.checkpoint import prefixed, without_prefix
from filterbench.storage.errors import InputError
from filterbench.storage.weights import Weights, read_weights, write_weights

ChannelMasks = dict[str, Tensor]


@dataclass(frozen=True)
class PrunedNet:
    """A net whose pruned filters are zero or, in a compact net, already removed.

    Attributes:
        model: the net, its masks multiplied into the weights.
        masks: by name of a convolution, bool of shape (output channels,) on the net's device: true where
            kept. A convolution without a mask keeps all channels; a compact net has no masks.
        compact: whether the pruner removed the filters itself.
    """

    model: nn.Module
    masks: ChannelMasks
    compact: bool = False


def apply_masks(model: nn.Module, masks: ChannelMasks) -> None:
    """Zero the masked filters of a net and their biases, in place."""
    with torch.no_grad():
        for name, kept in masks.items():
            parameters = dict(model.get_submodule(name).named_parameters(recurse=False))
            parameters["weight"].mul_(kept.view(-1, 1, 1, 1))
            if "bias" in parameters:
                parameters["bias"].mul_(kept)


WEIGHT, MASK = "weights", "mask"


def write_masked_net(path: Path, pruned: PrunedNet, original: Weights) -> None:
    """Write a pruned net to one safetensors file: its channel masks and the weights that the pruner changed.

    Of a pruner that only masks filters, the file holds nothing but the masks.

    Args:
        path: the file.
        pruned: the net.
        original: weights of the net that was pruned, on the CPU.
    """
    expected = _masked(original, pruned.masks)
    changed = {
        name: tensor
        for name, tensor in pruned.model.state_dict().items()
        if not torch.equal(tensor.cpu(), expected[name])
    }
    write_weights(path, prefixed(WEIGHT, changed) | prefixed(MASK, pruned.masks))


def read_masked_net(path: Path, original: Weights) -> tuple[Weights, ChannelMasks]:
    """Read what `write_masked_net` wrote: the weights and the masks.

    Args:
        path: the file.
        original: weights of the net that was pruned, on the CPU.

    Raises:
        InputError: the file is unreadable, or not a masked net.
    """
    tensors = read_weights(path)
    weights, masks = (without_prefix(kind, tensors) for kind in (WEIGHT, MASK))
    if len(weights) + len(masks) < len(tensors):
        raise InputError(
            f"{path}: not a masked net, whose names all start with {WEIGHT}/ or {MASK}/; remove it, and the "
            "next run rebuilds it"
        )
    return _masked(original, masks) | weights, masks


def _masked(weights: Weights, masks: ChannelMasks) -> Weights:
    """Weights with the masked filters and their biases at zero; tensors without masks are shared."""
    masked = dict(weights)
    for name, kept in masks.items():
        for key in (f"{name}.weight", f"{name}.bias"):
            if key in masked:
                masked[key] = masked[key] * kept.cpu().view(-1, *[1] * (masked[key].dim() - 1))
    return masked
