"""Rule `latency`: how long a cell's original and compact net take on this machine, and how much memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from filterbench.compaction.exporting import CHECKED_IMAGES
from filterbench.costs.latency import Latency, measure_latencies
from filterbench.costs.memory import peak_activations
from filterbench.costs.runtimes import ONNXRUNTIME, in_onnxruntime, process_peak
from filterbench.data.loading import Images
from filterbench.documents import write
from filterbench.documents.parts import Pair
from filterbench.documents.types import LatencyDocument, Memory, RuntimeTimings, Timing, Timings
from filterbench.running.context import prepare
from filterbench.running.environment import machine
from filterbench.running.infeasible import infeasible_before, write_infeasible
from filterbench.running.job import Job
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)

Nets = tuple[nn.Module, nn.Module]


def latency(job: Job) -> None:
    """Time both nets in turns, on one image and on a batch, in each runtime that the study asks for.

    The job may hold more of the machine than it uses, so that no other job disturbs it.
    """
    settings = job.params["latency"]
    context = prepare(replace(job, threads=settings["threads"]))
    if reason := infeasible_before(job):
        write_infeasible(context, reason)
        return
    images = context.splits().test
    if settings["batch"] > len(images):
        raise InputError(
            f"latency.batch: {settings['batch']} is more than the study's {len(images)} test images"
        )
    nets = context.read_net("original"), context.read_net("compact")
    batches = {"single": images.first(1), "batch": images.first(settings["batch"])}
    memory: Memory = {"activations": _by_batch(batches, peak_activations, nets)}
    runtimes: dict[str, RuntimeTimings] = {}
    for name in settings["runtimes"]:
        if name == ONNXRUNTIME:
            runtimes[name] = _in_onnxruntime(nets, images, batches, settings, memory)
        else:
            runtimes[name] = _timings(name, nets, batches, settings)
    document: LatencyDocument = {
        "cell": context.cell,
        "settings": settings,
        "runtimes": runtimes,
        "memory": memory,
        "machine": machine(context.device),
        "provenance": context.provenance(),
    }
    write(job.outputs["document"], document)


def _in_onnxruntime(
    nets: Nets, images: Images, batches: dict[str, Tensor], settings: dict[str, Any], memory: Memory
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


def _by_batch(
    batches: dict[str, Tensor], measure: Callable[[Any, Tensor], int], nets: tuple[Any, Any]
) -> dict[str, Pair]:
    """A number of bytes of both nets, for one image and for a batch."""
    return {
        name: {"original": measure(nets[0], batch), "speedup": measure(nets[1], batch)}
        for name, batch in batches.items()
    }


def _timings(
    runtime: str, nets: Nets, batches: dict[str, Tensor], settings: dict[str, Any]
) -> RuntimeTimings:
    single, batch = (_measure(runtime, nets, batches[name], settings) for name in ("single", "batch"))
    return {"single": single, "batch": batch}


def _measure(runtime: str, nets: Nets, images: Tensor, settings: dict[str, Any]) -> Timings:
    """Both nets' latencies on the first test images."""
    pair = measure_latencies(nets, images, settings["runs"], settings["warm_up"])
    medians = (latency.median for latency in pair)
    logger.info("%s, batch %d: %.3f ms -> %.3f ms", runtime, len(images), *medians)
    before, after = map(_document, pair)
    return {"original": before, "speedup": after}


def _document(latency: Latency) -> Timing:
    """In milliseconds."""
    return {"median": latency.median, "interquartile_range": latency.interquartile_range}
