"""The runtimes in which a net's latency and memory can be measured."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from torch import Tensor, nn

from filterbench.compaction.exporting import OnnxNet, check_onnx, export_onnx
from filterbench.storage.errors import InputError

ONNXRUNTIME = "onnxruntime"
# The same net without torch: its session, one batch, and what that process held at most. On Linux getrusage
# tells what the process that forked it held, if that was more.
_PROCESS = """
import pathlib, resource, sys
import numpy, onnxruntime
path, threads, *shape = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
session.run(None, {"images": numpy.zeros([int(size) for size in shape], dtype=numpy.float32)})
status = pathlib.Path("/proc/self/status")
told = status.read_text().splitlines() if status.exists() else []
kilobytes = [int(line.split()[1]) for line in told if line.startswith("VmHWM")]
print(1024 * kilobytes[0] if kilobytes else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def in_onnxruntime(model: nn.Module, images: Tensor, threads: int) -> tuple[OnnxNet, bytes, float]:
    """A net in onnxruntime, which computes what the net computes.

    Args:
        model: in evaluation mode, on the CPU.
        images: real ones, (n, 3, size, size), on which both are compared.
        threads: of onnxruntime.

    Returns:
        The net, its ONNX model, and the relative difference of the logits.

    Raises:
        InputError: the net is on a GPU, or the logits differ (see `filterbench.compaction.exporting`).
    """
    if images.device.type != "cpu":
        raise InputError("latency.runtimes: onnxruntime is measured on the CPU; set device: cpu")
    content = export_onnx(model)
    return OnnxNet(content, threads), content, check_onnx(content, model, images, threads)


def process_peak(content: bytes, shape: tuple[int, ...], threads: int) -> int:
    """The most memory, in bytes, of a process that runs an ONNX model on one batch with onnxruntime alone.

    Args:
        content: the model.
        shape: of the batch.
        threads: of onnxruntime.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(content)
        command = [sys.executable, "-c", _PROCESS, str(path), str(threads), *map(str, shape)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(run.stdout)
