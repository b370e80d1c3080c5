"""Depthwise convolutions: each filter sees one channel, so that masks follow from the input's channels."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor, fx, nn

from filterbench.models.graph import graph_of
from filterbench.storage.errors import InputError


def is_depthwise(module: nn.Module | None) -> bool:
    """Whether a layer is a convolution with one group for each of its several channels."""
    return isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels == module.out_channels


def depthwise_names(model: nn.Module) -> list[str]:
    """The depthwise convolutions of a net by name, in its order."""
    return [name for name, module in model.named_modules() if is_depthwise(module)]


def depthwise_sources(
    model: nn.Module, graph: fx.Graph | None = None, wrapped: Collection[str] = ()
) -> dict[str, str]:
    """By name of each depthwise convolution, in the net's order, the convolution whose channels it gets.

    Args:
        model: a net in which layers between the two have one input.
        graph: of the net, if it is not to be traced here.
        wrapped: names of convolutions that the net has in a wrapper, such as NNI's.

    Raises:
        InputError: one gets the images, or a sum.
    """
    if not depthwise_names(model):
        return {}
    modules = dict(model.named_modules())
    found = {}
    for node in (graph or graph_of(model)).nodes:
        if node.op == "call_module" and is_depthwise(modules[node.target]):
            source = node.all_input_nodes[0]
            while source.target not in wrapped and not isinstance(modules.get(str(source.target)), nn.Conv2d):
                if len(source.all_input_nodes) != 1:
                    raise InputError(
                        f"the depthwise convolution {node.target} gets the channels of {source.name}; "
                        "allowed: those of one convolution"
                    )
                (source,) = source.all_input_nodes
            found[node.target] = str(source.target)
    return found


def mask_depthwise(model: nn.Module, masks: dict[str, Tensor], graph: fx.Graph | None = None) -> None:
    """Add the masks of depthwise convolutions: each has the mask of the convolution that makes its channels.

    Args:
        model: see `depthwise_sources`.
        masks: by name of a layer, bool of shape (output channels,): true where kept; it is changed.
        graph: of the net, if it is not to be traced here.
    """
    for name, source in depthwise_sources(model, graph, masks.keys()).items():
        if source in masks:
            masks[name] = masks[source].clone()
