"""Rule `latency`: how long a cell's original and compact net take on this machine."""

from __future__ import annotations

import logging
from dataclasses import replace

from torch import nn

from filterbench.costs.latency import Latency, measure_latencies
from filterbench.data.loading import Images
from filterbench.documents import write
from filterbench.documents.types import LatencyDocument, Timing, Timings
from filterbench.running.context import prepare
from filterbench.running.environment import machine
from filterbench.running.infeasible import infeasible_before, write_infeasible
from filterbench.running.job import Job
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)


def latency(job: Job) -> None:
    """Time both nets in turns, on one image and on a batch.

    The job may hold more of the machine than it uses, so that no other job disturbs it.
    """
    settings = job.params["latency"]
    context = prepare(replace(job, threads=settings["threads"]))
    if reason := infeasible_before(job):
        write_infeasible(context, reason)
        return
    images = context.splits().test
    nets = context.read_net("original"), context.read_net("compact")
    document: LatencyDocument = {
        "cell": context.cell,
        "settings": settings,
        "single": _measure(*nets, images, 1, settings),
        "batch": _measure(*nets, images, settings["batch"], settings),
        "machine": machine(context.device),
        "provenance": context.provenance(),
    }
    write(job.outputs["document"], document)


def _measure(
    original: nn.Module, compact: nn.Module, images: Images, batch: int, settings: dict[str, int]
) -> Timings:
    """Both nets' latencies on the first test images."""
    if batch > len(images):
        raise InputError(f"latency.batch: {batch} is more than the study's {len(images)} test images")
    pair = measure_latencies([original, compact], images.first(batch), settings["runs"], settings["warm_up"])
    logger.info("batch %d: %.3f ms -> %.3f ms", batch, *(latency.median for latency in pair))
    before, after = map(_document, pair)
    return {"original": before, "speedup": after}


def _document(latency: Latency) -> Timing:
    """In milliseconds."""
    return {"median": latency.median, "interquartile_range": latency.interquartile_range}
