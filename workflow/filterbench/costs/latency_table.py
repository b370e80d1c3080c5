"""A net's latency as a sum over its layers, from a table of measured ones.

The table is that of Yang et al. 2018 (arXiv:1804.03230, section 3.3). Given the table, an estimate depends
only on channel counts, so that a search under it is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from filterbench.compaction.exporting import OnnxNet, layer_onnx
from filterbench.compaction.masks import ChannelMasks
from filterbench.costs.latency import measure_latencies
from filterbench.costs.layer_costs import CompactLayers, Layer
from filterbench.costs.runtimes import ONNXRUNTIME, needs_cpu
from filterbench.documents.measurements import LayerTimes

# A layer is measured with one channel, with all channels, and on both sides of these shares. A share itself
# is often a multiple of the vector units' width, where a layer is faster than with one channel more or less.
SHARES = (0.25, 0.5, 0.75)
TIMED = (nn.Conv2d, nn.Linear)


def measure_table(
    model: nn.Module, batch: int, runs: int, warm_up: int, runtime: str = "torch"
) -> list[LayerTimes]:
    """Time every convolution, with a BatchNorm and a ReLU, and every linear layer of a net.

    Args:
        model: a net on the device to measure; its weights do not matter.
        batch: images of a forward pass.
        runs: timed forward passes of each layer at each point of its grid.
        warm_up: forward passes before these.
        runtime: `torch` or `onnxruntime`, which folds a BatchNorm into its convolution.

    Returns:
        One entry per shape of layers, as in the document `latency_table`.
    """
    net = CompactLayers(model)
    alike: dict[str, list[str]] = {}
    for name, layer in net.layers.items():
        if isinstance(layer.module, TIMED):
            shape = f"{layer.module} {layer.input_shape} {net.prunable(name)}"
            alike.setdefault(shape, []).append(name)
    return [_entry(names, net, batch, runs, warm_up, runtime) for names in alike.values()]


def _entry(
    names: list[str], net: CompactLayers, batch: int, runs: int, warm_up: int, runtime: str
) -> LayerTimes:
    layer = net.layers[names[0]]
    inputs, outputs = (
        _grid(shape[0]) if prunable else [shape[0]]
        for shape, prunable in zip(
            (layer.input_shape, layer.output_shape), net.prunable(names[0]), strict=True
        )
    )
    device = next(layer.module.parameters()).device
    times = []
    for channels in inputs:
        images = torch.zeros(batch, channels, *layer.input_shape[1:], device=device)
        if images.dim() == 4:
            images = images.to(memory_format=torch.channels_last)
        resized = [_resized(layer, channels, count).to(device).eval() for count in outputs]
        if runtime == ONNXRUNTIME:
            needs_cpu(device)
            images = images.contiguous()
            resized = [OnnxNet(layer_onnx(module), torch.get_num_threads()) for module in resized]
        times.append([timing["median"] for timing in measure_latencies(resized, images, runs, warm_up)])
    return {"names": names, "inputs": inputs, "outputs": outputs, "milliseconds": times}


def _grid(channels: int) -> list[int]:
    beside = {round(share * channels) + side for share in SHARES for side in (-1, 1)}
    return sorted(count for count in beside | {1, channels - 1, channels} if 1 <= count <= channels)


def _resized(layer: Layer, inputs: int, outputs: int) -> nn.Module:
    """A layer of the same kind with other channel counts, and what follows it."""
    module = layer.module
    if isinstance(module, nn.Linear):
        return nn.Linear(inputs, outputs, bias=module.bias is not None)
    convolution = nn.Conv2d(
        inputs,
        outputs,
        module.kernel_size,  # type: ignore[arg-type]
        module.stride,  # type: ignore[arg-type]
        module.padding,  # type: ignore[arg-type]
        bias=module.bias is not None,
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU()).to(
        memory_format=torch.channels_last
    )


class LatencyCost:
    """A masked net's latency in milliseconds, as a table estimates that of its compact form.

    Between the measured points the estimate is linear in either channel count. Where a smaller layer was
    measured slower than a larger one, the larger one counts as slow as the smaller, so that fewer channels
    never cost more. Only the unpruned layer, the denominator of shares, counts as it was measured.

    Args:
        model: see `filterbench.compaction.channels.follow`.
        entries: `layers` of the document `latency_table` of this model.
    """

    def __init__(self, model: nn.Module, entries: Iterable[LayerTimes]) -> None:
        self._net = CompactLayers(model)
        self._tables = [
            (entry["names"], entry["inputs"], entry["outputs"], _rising(np.array(entry["milliseconds"])))
            for entry in entries
        ]

    def __call__(self, masks: ChannelMasks) -> float:
        """Milliseconds for the table's batch; without masks, those of the whole net."""
        channels = self._net.channels(masks)
        return sum(
            _interpolated(inputs, outputs, times, *channels[name])
            for names, inputs, outputs, times in self._tables
            for name in names
        )


def _rising(times: np.ndarray) -> np.ndarray:
    rising = np.maximum.accumulate(np.maximum.accumulate(times, axis=0), axis=1)
    rising[-1, -1] = times[-1, -1]
    return rising


def _interpolated(
    inputs: list[int], outputs: list[int], times: np.ndarray, channels: int, count: int
) -> float:
    by_input = [np.interp(count, outputs, row) for row in times]
    return float(np.interp(channels, inputs, by_input))
