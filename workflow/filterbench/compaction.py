"""From a masked net to a compact one, and the proof that both compute the same."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, fx, nn

from filterbench.errors import InputError
from filterbench.nni_adaptor import speed_up
from filterbench.pruners.masking import ChannelMasks

TOLERANCE = 1e-4


def silence_masked_channels(model: nn.Module, masks: ChannelMasks) -> None:
    """Zero the BatchNorm weight and bias of every masked channel, in place.

    A masked convolution gives zeros, from which its BatchNorm still makes a constant; silenced,
    the channel is zero everywhere, as if it had been removed.

    Args:
        model: a net whose convolutions are each followed by their own BatchNorm, or by none.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
    """
    modules = dict(model.named_modules())
    for node in fx.symbolic_trace(model).graph.nodes:
        norm = modules.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(norm, nn.BatchNorm2d) and (kept := masks.get(str(node.args[0].target))) is not None:
            with torch.no_grad():
                norm.weight.mul_(kept)
                norm.bias.mul_(kept)


def compact(model: nn.Module, masks: ChannelMasks) -> nn.Module:
    """A smaller net that computes what the silenced masked net computes.

    Args:
        model: a masked and silenced net in evaluation mode; it is left as it is.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
    """
    smaller = copy.deepcopy(model)
    speed_up(smaller, masks)
    return smaller


@torch.no_grad()
def relative_difference(model: nn.Module, other: nn.Module, images: Tensor) -> float:
    """Largest difference of a logit over the first net's largest logit, for images (n, 3, 32, 32)."""
    expected, found = model(images), other(images)
    return ((expected - found).abs().max() / expected.abs().max()).item()


def check_same(model: nn.Module, other: nn.Module, images: Tensor) -> float:
    """The relative difference of two nets on real images.

    Raises:
        InputError: it reaches `TOLERANCE`, or is no number.
    """
    difference = relative_difference(model, other, images)
    if not difference < TOLERANCE:
        raise InputError(
            f"the compact net differs from the masked net by {difference:.2g}, "
            f"relative to the largest logit; allowed: below {TOLERANCE}"
        )
    return difference
