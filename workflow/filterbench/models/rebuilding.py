"""Rebuilding a net of any widths from its model's name and the shapes of its weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from filterbench.documents.parts import IMAGE_SIZE
from filterbench.models.depthwise import is_depthwise
from filterbench.models.registry import build_model
from filterbench.storage.weights import Weights, load_into


def rebuild_model(name: str, weights: Weights, path: Path, image_size: int = IMAGE_SIZE) -> nn.Module:
    """Build the net that a set of weights belongs to, pruned or not.

    Args:
        name: a key of `MODELS`.
        weights: the net's whole state, on the CPU; the tensors become the net's own.
        path: the file of the weights, for the error.
        image_size: height and width of the images.

    Returns:
        The net on the CPU, in evaluation mode.

    Raises:
        InputError: the weights belong to another net.
    """
    with torch.device("meta"):
        model = build_model(name, image_size=image_size)
    resize_layers(model, weights)
    load_into(model, weights, path)
    return model.eval()


def draw_fresh_weights(model: nn.Module, seed: int) -> None:
    """Give each layer its default initial values, in the order in which layers are built, in place.

    With the shapes of the unpruned net, these are the weights with which it is built under the same seed.

    Args:
        model: a net on the CPU, so that training starts from the same weights on every device.
        seed: of torch's global generator.
    """
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()


def resize_layers(model: nn.Module, weights: Weights) -> None:
    """Replace each layer, in place, by one without values (on the meta device) that fits its weights."""
    for module_name, module in list(model.named_modules()):
        weight = weights.get(f"{module_name}.weight")
        if weight is None:
            continue
        with torch.device("meta"):
            resized = _resized(module, weight.shape)
        if resized:
            model.set_submodule(module_name, resized.train(module.training))


def _resized(module: nn.Module, shape: torch.Size) -> nn.Module | None:
    """The same kind of layer for a weight of another shape; None if it cannot have that shape."""
    match module, tuple(shape):
        case nn.Conv2d(), (outputs, inputs, _, _):
            groups = outputs if is_depthwise(module) else module.groups
            return nn.Conv2d(
                inputs * groups,
                outputs,
                module.kernel_size,  # type: ignore[arg-type]
                module.stride,  # type: ignore[arg-type]
                module.padding,  # type: ignore[arg-type]
                groups=groups,
                bias=module.bias is not None,
            )
        case nn.Linear(), (outputs, inputs):
            return nn.Linear(inputs, outputs, bias=module.bias is not None)
        case nn.BatchNorm2d() | nn.BatchNorm1d(), (channels,):
            return type(module)(channels)
    return None
