"""What a masked net's compact form costs, from its layers' channel counts alone.

A search needs hundreds of counts. NNI's counter runs the net for each. Here the net runs once, and a count is
a sum over the layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from filterbench.compaction.channels import Sources, call_name, channel_sources
from filterbench.compaction.masks import ChannelMasks
from filterbench.models.inputs import example_input

COUNTED = (
    *(nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d),
    *(nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.LeakyReLU),
)


@dataclass(frozen=True)
class Layer:
    """A layer that NNI's counter counts in `full` mode, as it is in the unpruned net.

    Attributes:
        module: one of `COUNTED`.
        input_shape: of one image, (channels, height, width) or (features,).
        output_shape: of its output, likewise.
    """

    module: nn.Module
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def flops(self, inputs: int, outputs: int) -> int:
        """Multiply-accumulates on one image in the convention of NNI's `full` mode.

        Args:
            inputs: channels (or features) of the input.
            outputs: channels (or features) of the output.
        """
        pixels = math.prod(self.output_shape[1:])
        if isinstance(self.module, nn.BatchNorm1d | nn.BatchNorm2d):
            return 2 * outputs * pixels
        if isinstance(self.module, nn.AvgPool2d | nn.LeakyReLU):
            return outputs * pixels
        if isinstance(self.module, nn.AdaptiveAvgPool2d):
            pooled = (
                size // own for size, own in zip(self.input_shape[1:], self.output_shape[1:], strict=True)
            )
            return (math.prod(pooled) + 1) * outputs * pixels
        weights_per_filter = inputs
        if isinstance(self.module, nn.Conv2d):
            # Pruning does not change how many channels a filter of a grouped convolution sees.
            seen = inputs if self.module.groups == 1 else self.module.weight.shape[1]
            weights_per_filter = seen * math.prod(self.module.kernel_size)
        return outputs * pixels * (weights_per_filter + (self.module.bias is not None))


class CompactLayers:
    """The layers of a net that NNI's counter counts, by call, and how many channels masks leave in each.

    Args:
        model: see `filterbench.compaction.channels.follow`.
    """

    def __init__(self, model: nn.Module) -> None:
        self.layers = _called_layers(model)
        sources = channel_sources(model)
        self._sources = {name: sources[name] for name in self.layers}

    def prunable(self, name: str) -> tuple[bool, bool]:
        """Whether masks can remove channels of a layer's input, and of its output."""
        inputs, outputs = self._sources[name]
        return inputs is not None, outputs is not None

    def channels(self, masks: ChannelMasks) -> dict[str, tuple[int, int]]:
        """Channels (or features) of each layer's input and output in the compact form, by name of a call.

        Args:
            masks: by name of a convolution, bool of shape (output channels,): true where kept.
        """
        arrays = {name: kept.cpu().numpy() for name, kept in masks.items()}

        @cache
        def kept_share(sources: frozenset[str]) -> tuple[int, int]:
            """Number of channels that any of the convolutions keeps, and of all channels."""
            joined = np.logical_or.reduce([arrays[name] for name in sources])
            return int(joined.sum()), len(joined)

        def remaining(whole: int, sources: Sources) -> int:
            if sources is None or not sources <= arrays.keys():
                return whole
            kept, channels = kept_share(sources)
            # After the flattening, a channel is several features.
            return whole // channels * kept

        return {
            name: (
                remaining(self.layers[name].input_shape[0], inputs),
                remaining(self.layers[name].output_shape[0], outputs),
            )
            for name, (inputs, outputs) in self._sources.items()
        }


class FlopsCost:
    """FLOPs of a masked net's compact form, in the study's convention, as `count.json` has them.

    Args:
        model: see `filterbench.compaction.channels.follow`.
    """

    def __init__(self, model: nn.Module) -> None:
        self._net = CompactLayers(model)

    def __call__(self, masks: ChannelMasks) -> int:
        """Multiply-accumulates on one image; without masks, those of the whole net."""
        channels = self._net.channels(masks)
        return sum(layer.flops(*channels[name]) for name, layer in self._net.layers.items())


def count_shapes(model: nn.Module) -> dict[str, int]:
    """What `count.json` says of a net, from its shapes: `params`, `flops`, `conv_linear_macs`.

    Args:
        model: the net, which may be on the meta device, without values.
    """
    layers = _called_layers(model).values()
    return {
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "flops": sum(layer.flops(layer.input_shape[0], layer.output_shape[0]) for layer in layers),
        "conv_linear_macs": sum(
            layer.module.weight.numel() * math.prod(layer.output_shape[1:])
            for layer in layers
            if isinstance(layer.module, nn.Conv2d | nn.Linear)
        ),
    }


@torch.no_grad()
def _called_layers(model: nn.Module) -> dict[str, Layer]:
    """The counted layers by name of a call (see `call_name`), in the order in which the net calls them."""
    layers: dict[str, Layer] = {}

    def record(name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        layers[call_name(name, layers)] = Layer(module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:]))

    hooks = [
        module.register_forward_hook(partial(record, name))
        for name, module in model.named_modules()
        if isinstance(module, COUNTED)
    ]
    training = model.training
    model.eval()(example_input(model))
    model.train(training)
    for hook in hooks:
        hook.remove()
    return layers
