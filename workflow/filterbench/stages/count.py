"""Rule `count`: params and multiply-accumulates of a cell's original and compact net."""

from __future__ import annotations

import logging

from filterbench.costs.counting import CONVENTION, Counts, count_net
from filterbench.documents import write
from filterbench.documents.parts import Pair
from filterbench.documents.types import CountDocument
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.models.inputs import image_shape

logger = logging.getLogger(__name__)


@computed
def count(context: Context) -> None:
    """Count both nets with both counters."""
    net = context.read_net("original")
    original = count_net(net)
    compact = count_net(context.read_net("compact"))
    logger.info(
        "params %d -> %d, FLOPs %d -> %d", original.params, compact.params, original.flops, compact.flops
    )
    document: CountDocument = {
        "cell": context.cell,
        "convention": CONVENTION,
        "input_shape": list(image_shape(net)),
        "params": _pair(original, compact, "params"),
        "flops": _pair(original, compact, "flops"),
        "conv_linear_macs": _pair(original, compact, "conv_linear_macs"),
        "second_counter": {
            "name": "thop",
            "params": _pair(original, compact, "second_params"),
            "conv_linear_macs": _pair(original, compact, "second_conv_linear_macs"),
        },
        "provenance": context.provenance(),
    }
    write(context.job.outputs["document"], document)


def _pair(original: Counts, compact: Counts, key: str) -> Pair:
    return {"original": getattr(original, key), "speedup": getattr(compact, key)}
