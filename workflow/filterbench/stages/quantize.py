"""Rule `quantize`: a cell's original and fine-tuned net in int8, beside float32."""

from __future__ import annotations

import logging
from importlib.metadata import version

from filterbench.compaction.exporting import CHECKED_IMAGES, OnnxNet, with_metadata
from filterbench.compaction.portable import read_record
from filterbench.compaction.quantizing import quantize_onnx
from filterbench.compaction.speedup import TOLERANCE
from filterbench.costs.latency import time_nets, timed_batches
from filterbench.costs.runtimes import in_onnxruntime
from filterbench.documents import write
from filterbench.documents.measurements import Int8Document
from filterbench.making.computing import measured
from filterbench.making.context import Context
from filterbench.storage.files import atomic_write
from filterbench.training.evaluation import evaluate

logger = logging.getLogger(__name__)

PACKAGES = ("onnx", "onnxruntime")
NETS = ("original", "finetuned")


@measured
def quantize(context: Context) -> None:
    """Quantise both nets, and take accuracy, latency and size of the four, all in onnxruntime on the CPU."""
    settings, threads = context.job.params["measurement"], context.threads
    splits = context.splits()
    batches = timed_batches(splits.test, settings["batch"])
    calibration = splits.train.first(settings["calibration_images"])
    contents: dict[str, bytes] = {}
    differences = []
    for name in NETS:
        net = context.read_net(name)
        _, content, difference = in_onnxruntime(net, splits.test.first(CHECKED_IMAGES), threads)
        contents |= {name: content, f"{name}_int8": quantize_onnx(content, calibration)}
        differences.append(difference)
    nets = {name: OnnxNet(content, threads) for name, content in contents.items()}
    performance = {name: evaluate(net, splits.test).accuracy for name, net in nets.items()}
    plain = {name: batch.contiguous() for name, batch in batches.items()}
    timings = time_nets(nets, plain, settings)
    for name in NETS:
        logger.info(
            "%s: accuracy %.2f %% -> %.2f %% in int8, a batch in %.3f ms -> %.3f ms",
            name,
            100 * performance[name],
            100 * performance[f"{name}_int8"],
            timings["batch"][name]["median"],
            timings["batch"][f"{name}_int8"]["median"],
        )
    metadata = {**read_record(context.job.inputs["finetuned"]), "input": "normalised"}
    with atomic_write(context.job.outputs["quantised"]) as file:
        file.write(with_metadata(contents["finetuned_int8"], metadata))
    document: Int8Document = {
        "cell": context.cell,
        "images": splits.document(),
        "settings": settings | {"calibration_images": len(calibration)},
        "performance": performance,
        "latency": timings,
        "onnx_bytes": {name: len(content) for name, content in contents.items()},
        "check": {
            "images": min(CHECKED_IMAGES, len(splits.test)),
            "relative_difference": max(differences),
            "tolerance": TOLERANCE,
        },
        "packages": {name: version(name) for name in PACKAGES},
        "machine": context.machine,
        "provenance": context.provenance(),
    }
    write(context.job.outputs["document"], document)
