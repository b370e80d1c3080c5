"""Rule `export`: the fine-tuned compact net of a cell as an ONNX model."""

import logging
from importlib.metadata import version

from filterbench.compaction.exporting import CHECKED_IMAGES, check_onnx, export_onnx
from filterbench.compaction.speedup import TOLERANCE
from filterbench.documents import write
from filterbench.documents.measurements import ExportDocument
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.storage.files import atomic_write, file_digest

logger = logging.getLogger(__name__)

PACKAGES = ("onnx", "onnxruntime", "onnxscript")


@computed
def export(context: Context) -> None:
    """Write the net as one ONNX file, after onnxruntime gave the net's logits on real images.

    Raises:
        InputError: onnxruntime's logits differ.
    """
    path = context.job.outputs["model"]
    net = context.read_net("weights")
    test = context.splits().test
    batch = test.first(CHECKED_IMAGES)
    content = export_onnx(net)
    difference = check_onnx(content, net, batch, context.threads)
    logger.info("%d bytes, relative difference %.1e", len(content), difference)
    with atomic_write(path) as file:
        file.write(content)
    document: ExportDocument = {
        "cell": context.cell,
        "digest": file_digest(path),
        "normalisation": {"mean": test.mean.flatten().tolist(), "std": test.std.flatten().tolist()},
        "check": {"images": len(batch), "relative_difference": difference, "tolerance": TOLERANCE},
        "packages": {name: version(name) for name in PACKAGES},
        "provenance": context.provenance(),
    }
    write(context.job.outputs["document"], document)
