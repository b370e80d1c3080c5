"""Rule `latency_table`: how long the layers of a model take on this machine, by their channels."""

from __future__ import annotations

import logging

from filterbench.costs.latency_table import LatencyCost, measure_table
from filterbench.documents import write
from filterbench.documents.measurements import LatencyTableDocument
from filterbench.making.computing import measured
from filterbench.making.context import Context

logger = logging.getLogger(__name__)


@measured
def latency_table(context: Context) -> None:
    """Measure every layer of the model on its grid of channel counts."""
    settings = context.job.params["measurement"]
    model = context.place(context.build(context.splits().classes)).eval()
    runtime = settings["budget_runtime"]
    layers = measure_table(model, settings["batch"], settings["runs"], settings["warm_up"], runtime)
    logger.info("the unpruned net: %.2f ms for %d images", LatencyCost(model, layers)({}), settings["batch"])
    document: LatencyTableDocument = {
        "cell": context.cell,
        "settings": settings,
        "layers": layers,
        "machine": context.machine,
        "provenance": context.provenance(),
    }
    write(context.job.outputs["document"], document)
