"""Adapters to NNI 2.10.1's speedup and counter."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

import torch
from torch import Tensor, nn

from filterbench.models.inputs import example_input, image_shape

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nni.compression.pytorch.speedup import ModelSpeedup
    from nni.compression.pytorch.utils.counter import count_flops_params


def quieten_nni() -> None:
    """Keep the NNI modules imported so far from logging every layer that they visit."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("nni")]:
        logging.getLogger(name).setLevel(logging.WARNING)


quieten_nni()


@contextmanager
def _traced_once() -> Iterator[None]:
    """Let torch trace a net once, which takes seconds: without a check, and not again for the same input."""
    trace = torch.jit.trace
    torch.jit.trace = cache(partial(trace, check_trace=False))
    try:
        yield
    finally:
        torch.jit.trace = trace


def speed_up(model: nn.Module, masks: dict[str, Tensor]) -> None:
    """Replace the layers of a net by smaller ones without the masked channels, in place.

    Args:
        model: the masked net in evaluation mode.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
    """
    modules = dict(model.named_modules())
    weight_masks = {}
    for name, kept in masks.items():
        weight = modules[name].weight
        channels = kept.to(weight)
        weight_masks[name] = {
            "weight": channels.view(-1, 1, 1, 1).expand_as(weight).contiguous(),
            "bias": None if modules[name].bias is None else channels,
        }
    # NNI reads .grad of non-leaf tensors on purpose, which torch warns about.
    with warnings.catch_warnings(), _traced_once():
        warnings.simplefilter("ignore")
        ModelSpeedup(model, example_input(model), weight_masks).speedup_model()


def count(model: nn.Module, mode: str) -> tuple[int, int]:
    """A net's params and its multiply-accumulates on one image.

    Args:
        model: the net.
        mode: `full` counts BatchNorm and biases too (the published convention); `default` counts
            convolutions and linear layers without biases.

    Returns:
        (params, MACs).
    """
    macs, params, _ = count_flops_params(model, (1, *image_shape(model)), verbose=False, mode=mode)
    return int(params), int(macs)
