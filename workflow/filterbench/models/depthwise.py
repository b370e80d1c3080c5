"""Depthwise convolutions: each filter sees one channel, so that masks follow from the input's channels."""

from __future__ import annotations

from torch import Tensor, fx, nn

from filterbench.models.graph import graph_of


def is_depthwise(module: nn.Module | None) -> bool:
    """Whether a layer is a convolution with one group for each of its several channels."""
    return isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels == module.out_channels


def depthwise_names(model: nn.Module) -> list[str]:
    """The depthwise convolutions of a net by name, in its order."""
    return [name for name, module in model.named_modules() if is_depthwise(module)]


def mask_depthwise(model: nn.Module, masks: dict[str, Tensor], graph: fx.Graph | None = None) -> None:
    """Add the masks of depthwise convolutions: each has the mask of the convolution that makes its channels.

    Args:
        model: a net whose depthwise convolutions each follow another convolution; layers in between have
            one input.
        masks: by name of a layer, bool of shape (output channels,): true where kept; it is changed.
        graph: of the net, if it is not to be traced here.
    """
    if not depthwise_names(model):
        return
    modules = dict(model.named_modules())
    for node in (graph or graph_of(model)).nodes:
        if node.op == "call_module" and is_depthwise(modules[node.target]):
            source = node.all_input_nodes[0]
            while source.target not in masks and not isinstance(modules[source.target], nn.Conv2d):
                (source,) = source.all_input_nodes
            if source.target in masks:
                masks[node.target] = masks[source.target].clone()
