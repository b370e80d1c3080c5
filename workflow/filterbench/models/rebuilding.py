"""Rebuilding a net of any widths from its model's name and the shapes of its weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

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
    model = build_without_values(name, image_size=image_size)
    resize_layers(model, weights)
    load_into(model, weights, path)
    return model.eval()


def build_without_values(
    name: str, width: float = 1.0, classes: int = 10, image_size: int = IMAGE_SIZE
) -> nn.Module:
    """As `build_model`, in no time: parameters are on the meta device, buffers have their values."""
    # The hint leaves out that a hook may give another parameter.
    hook = register_module_parameter_registration_hook(_without_values)  # type: ignore[arg-type]
    try:
        return build_model(name, width, classes, image_size)
    finally:
        hook.remove()


def _without_values(_module: nn.Module, _name: str, parameter: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)


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
    """Make each layer fit its weights, in place.

    All else of a layer stays. Its own tensors have no values afterwards: they are on the meta device.
    """
    for module_name, module in model.named_modules():
        weight = weights.get(f"{module_name}.weight")
        if weight is not None and _count_channels(module, weight.shape):
            _resize_tensors(module, weight.shape)


def _count_channels(module: nn.Module, shape: torch.Size) -> bool:
    """Set a layer's numbers of channels to those of a weight; false if it cannot have that shape."""
    match module, tuple(shape):
        case nn.Conv2d(), (outputs, inputs, _, _):
            if is_depthwise(module):
                module.groups = outputs
            module.in_channels, module.out_channels = inputs * module.groups, outputs
        case nn.Linear(), (outputs, inputs):
            module.in_features, module.out_features = inputs, outputs
        case nn.BatchNorm2d() | nn.BatchNorm1d(), (channels,):
            module.num_features = channels
        case _:
            return False
    return True


def _resize_tensors(module: nn.Module, shape: torch.Size) -> None:
    """Replace a layer's own tensors by such without values, whose channels are those of a weight's shape."""
    for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
        channels = shape[: min(tensor.ndim, 2)]
        resized = tensor.detach().new_empty((*channels, *tensor.shape[2:]), device="meta")
        is_parameter = isinstance(tensor, nn.Parameter)
        setattr(module, name, nn.Parameter(resized, tensor.requires_grad) if is_parameter else resized)
