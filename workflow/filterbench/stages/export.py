"""Rule `export`: the fine-tuned compact net of a cell for users without FilterBench, and a card about it."""

import logging
from importlib.metadata import version

from filterbench.compaction.exporting import (
    CHECKED_IMAGES,
    FromPixels,
    check_archive,
    check_onnx,
    export_archive,
    export_onnx,
    with_metadata,
)
from filterbench.compaction.portable import read_record
from filterbench.compaction.speedup import TOLERANCE
from filterbench.documents import read, write
from filterbench.documents.measurements import ExportDocument
from filterbench.documents.types import ResultDocument
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.results.card import card
from filterbench.storage.files import atomic_write, file_digest, write_text

logger = logging.getLogger(__name__)

PACKAGES = ("onnx", "onnxruntime", "onnxscript")


@computed
def export(context: Context) -> None:
    """Write the net as an ONNX file and a torch archive, after both gave the net's logits on real images.

    Raises:
        InputError: their logits differ.
    """
    job, pixels = context.job, context.job.params["pixels"]
    net, record = context.read_net("weights"), read_record(job.inputs["weights"])
    test = context.splits().test
    batch = test.first(CHECKED_IMAGES)
    if pixels:
        net = context.place(FromPixels(net, record["normalisation"]).eval())
        batch = test.pixels[:CHECKED_IMAGES].float().expand(-1, 3, -1, -1)
    taken = "pixels" if pixels else "normalised"
    metadata = {**record, "input": taken}
    onnx = with_metadata(export_onnx(net), metadata)
    archive = export_archive(net, metadata)
    difference = max(check_onnx(onnx, net, batch, context.threads), check_archive(archive, net, batch))
    logger.info("%d bytes in ONNX, relative difference %.1e", len(onnx), difference)
    for name, content in (("model", onnx), ("archive", archive)):
        with atomic_write(job.outputs[name]) as file:
            file.write(content)
    write_text(job.outputs["card"], card(record, read(job.inputs["result"], ResultDocument), pixels))
    document: ExportDocument = {
        "cell": context.cell,
        "digest": file_digest(job.outputs["model"]),
        "classes": record["classes"],
        "normalisation": record["normalisation"],
        "input": taken,
        "check": {"images": len(batch), "relative_difference": difference, "tolerance": TOLERANCE},
        "packages": {name: version(name) for name in PACKAGES},
        "provenance": context.provenance(),
    }
    write(job.outputs["document"], document)
