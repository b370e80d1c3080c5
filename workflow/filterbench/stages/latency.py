"""Rule `latency`: how long a cell's original and compact net take on this machine, and how much memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from filterbench.compaction.exporting import CHECKED_IMAGES
from filterbench.costs.latency import time_nets, timed_batches
from filterbench.costs.memory import peak_activations
from filterbench.costs.runtimes import (
    ONNXRUNTIME,
    TORCH_COMPILE,
    in_onnxruntime,
    in_torch_compile,
    process_peak,
)
from filterbench.data.loading import Images
from filterbench.documents import write
from filterbench.documents.measurements import LatencyDocument, Memory, RuntimeTimings
from filterbench.documents.parts import Pair
from filterbench.making.computing import measured
from filterbench.making.context import Context
from filterbench.study.cells import Config

logger = logging.getLogger(__name__)

Nets = tuple[nn.Module, nn.Module]


@measured
def latency(context: Context) -> None:
    """Time both nets in turns, on one image and on a batch, in each runtime that the study asks for."""
    settings = context.job.params["measurement"]
    images = context.splits().test
    batches = timed_batches(images, settings["batch"])
    nets = context.read_net("original"), context.read_net("compact")
    memory: Memory = {"activations": _by_batch(batches, peak_activations, nets)}
    runtimes: dict[str, RuntimeTimings] = {}
    for name in settings["runtimes"]:
        if name == ONNXRUNTIME:
            runtimes[name] = _in_onnxruntime(nets, images, batches, settings, memory)
        elif name == TORCH_COMPILE:
            runtimes[name] = _in_torch_compile(nets, batches, settings)
        else:
            runtimes[name] = _timings(name, nets, batches, settings)
    document: LatencyDocument = {
        "cell": context.cell,
        "settings": settings,
        "runtimes": runtimes,
        "memory": memory,
        "machine": context.machine,
        "provenance": context.provenance(),
    }
    write(context.job.outputs["document"], document)


def _in_onnxruntime(
    nets: Nets, images: Images, batches: dict[str, Tensor], settings: Config, memory: Memory
) -> RuntimeTimings:
    """Timings in onnxruntime, with the proof that it computes the same; its memory is noted."""
    threads = settings["threads"]
    (first, before, one), (second, after, other) = (
        in_onnxruntime(net, images.first(CHECKED_IMAGES), threads) for net in nets
    )
    memory["onnx_bytes"] = {"original": len(before), "speedup": len(after)}
    memory["process"] = _by_batch(
        batches, lambda content, batch: process_peak(content, tuple(batch.shape), threads), (before, after)
    )
    plain = {name: batch.contiguous() for name, batch in batches.items()}
    return {**_timings(ONNXRUNTIME, (first, second), plain, settings), "relative_difference": max(one, other)}


def _in_torch_compile(nets: Nets, batches: dict[str, Tensor], settings: Config) -> RuntimeTimings:
    """Timings of the compiled nets, with the proof that they compute the same."""
    (first, one), (second, other) = (in_torch_compile(net, batches.values()) for net in nets)
    timings = _timings(TORCH_COMPILE, (first, second), batches, settings)
    return {**timings, "relative_difference": max(one, other)}


def _by_batch(
    batches: dict[str, Tensor], measure: Callable[[Any, Tensor], int], nets: tuple[Any, Any]
) -> dict[str, Pair]:
    """A number of bytes of both nets, for one image and for a batch."""
    return {
        name: {"original": measure(nets[0], batch), "speedup": measure(nets[1], batch)}
        for name, batch in batches.items()
    }


def _timings(runtime: str, nets: Nets, batches: dict[str, Tensor], settings: Config) -> RuntimeTimings:
    found = time_nets(dict(zip(("original", "speedup"), nets, strict=True)), batches, settings)
    for name, timings in found.items():
        medians = (timings[net]["median"] for net in ("original", "speedup"))
        logger.info("%s, %s: %.3f ms -> %.3f ms", runtime, name, *medians)
    return {"single": found["single"], "batch": found["batch"]}
