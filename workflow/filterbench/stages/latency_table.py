"""Rule `latency_table`: how long the layers of a model take on this machine, by their channels."""

from __future__ import annotations

import logging
from dataclasses import replace

from filterbench.costs.latency_table import LatencyCost, measure_table
from filterbench.documents import write
from filterbench.documents.measurements import LatencyTableDocument
from filterbench.jobs.job import Job
from filterbench.making.context import prepare
from filterbench.making.environment import machine

logger = logging.getLogger(__name__)


def latency_table(job: Job) -> None:
    """Measure every layer of the model on its grid of channel counts.

    The job may hold more of the machine than it uses, so that no other job disturbs it.
    """
    settings = job.params["latency"]
    context = prepare(replace(job, threads=settings["threads"]))
    cell = context.cell
    model = context.place(context.build(context.splits().classes)).eval()
    runtime = settings["budget_runtime"]
    layers = measure_table(model, settings["batch"], settings["runs"], settings["warm_up"], runtime)
    logger.info("the unpruned net: %.2f ms for %d images", LatencyCost(model, layers)({}), settings["batch"])
    document: LatencyTableDocument = {
        "cell": cell,
        "settings": settings,
        "layers": layers,
        "machine": machine(context.device),
        "provenance": context.provenance(),
    }
    write(job.outputs["document"], document)
