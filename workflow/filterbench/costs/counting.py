"""Params and multiply-accumulates, by two counters that must agree."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import thop
import torch
from torch import nn

from filterbench.costs.nni import count
from filterbench.models.inputs import image_shape

CONVENTION = "nni-full"
COUNTED_LAYERS = (nn.Conv2d, nn.Linear)


class CountersDisagreeError(Exception):
    """Two counters give different answers for the same net."""


@dataclass(frozen=True)
class Counts:
    """What a net holds and what it computes on one image, by NNI's counter and by thop's.

    Attributes:
        params: learned numbers.
        flops: multiply-accumulates in the published convention, NNI's `full` mode, which counts
            BatchNorm and biases too.
        conv_linear_macs: multiply-accumulates of convolutions and linear layers, without biases.
        second_params: learned numbers, by thop.
        second_conv_linear_macs: the same multiply-accumulates, by thop.
    """

    params: int
    flops: int
    conv_linear_macs: int
    second_params: int
    second_conv_linear_macs: int


def count_net(model: nn.Module) -> Counts:
    """Count a net with NNI's counter, and check params and convolution and linear MACs with thop.

    Raises:
        CountersDisagreeError: thop's answer differs.
    """
    model = copy.deepcopy(model).cpu().eval()
    params, flops = count(model, "full")
    _, macs = count(model, "default")
    thop_params, thop_macs = _count_with_thop(model)
    if (thop_params, thop_macs) != (params, macs):
        raise CountersDisagreeError(
            f"NNI counts {params} params and {macs} convolution and linear MACs, "
            f"thop {thop_params} and {thop_macs}"
        )
    return Counts(params, flops, macs, thop_params, thop_macs)


def _count_with_thop(model: nn.Module) -> tuple[int, int]:
    """Params of the whole net, and MACs of its convolutions and linear layers, by thop."""
    images = torch.zeros(1, *image_shape(model))
    _, params, layers = thop.profile(model, (images,), verbose=False, ret_layer_info=True)
    return int(params), int(sum(_conv_linear_macs(model, layers)))


def _conv_linear_macs(module: nn.Module, layers: dict) -> Iterator[float]:
    """What thop counts for each convolution and linear layer of a module."""
    for name, (macs, _, inner) in layers.items():
        child = module.get_submodule(name)
        if isinstance(child, COUNTED_LAYERS):
            yield macs
        yield from _conv_linear_macs(child, inner)
