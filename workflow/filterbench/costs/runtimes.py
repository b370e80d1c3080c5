"""The runtimes in which a net's latency and memory can be measured, beside torch itself."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from filterbench.compaction.exporting import OnnxNet, check_onnx, export_onnx
from filterbench.compaction.speedup import relative_difference, require_close
from filterbench.storage.errors import InputError

ONNXRUNTIME, TORCH_COMPILE = "onnxruntime", "torch-compile"
# The compilers that torch looks for; the variable names another one.
COMPILERS, COMPILER_VARIABLE = ("g++", "clang++"), "CXX"
# Runs the net without torch on one batch, and prints the process's peak memory. On Linux it reads VmHWM,
# because getrusage also counts the parent process before the fork.
_PROCESS = """
import pathlib, resource, sys
import numpy, onnxruntime
path, threads, *shape = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
session.run(None, {"images": numpy.zeros([int(size) for size in shape], dtype=numpy.float32)})
status = pathlib.Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
print(1024 * kilobytes[0] if kilobytes else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def needs_cpu(device: torch.device) -> None:
    """Refuse to measure onnxruntime where the nets are on a GPU.

    Raises:
        InputError: they are.
    """
    if device.type != "cpu":
        raise InputError("latency.runtimes: onnxruntime is measured on the CPU; set device: cpu")


def in_onnxruntime(model: nn.Module, images: Tensor, threads: int) -> tuple[OnnxNet, bytes, float]:
    """A net in onnxruntime, checked to compute the same as the net itself.

    Args:
        model: in evaluation mode, on the CPU.
        images: real ones, (n, 3, size, size), on which both are compared.
        threads: of onnxruntime.

    Returns:
        The net, its ONNX model, and the relative difference of the logits.

    Raises:
        InputError: the net is on a GPU, or the logits differ (see `filterbench.compaction.exporting`).
    """
    needs_cpu(images.device)
    content = export_onnx(model)
    return OnnxNet(content, threads), content, check_onnx(content, model, images, threads)


def in_torch_compile(model: nn.Module, batches: Iterable[Tensor]) -> tuple[nn.Module, float]:
    """A net that torch's compiler (inductor) has compiled for batches of these sizes.

    Args:
        model: in evaluation mode.
        batches: real images, each (n, 3, size, size), on which both are compared.

    Returns:
        The net, and the largest relative difference of its logits.

    Raises:
        InputError: there is no C++ compiler, or the logits differ by `TOLERANCE` or more.
    """
    compiler = os.environ.get(COMPILER_VARIABLE)
    if not any(shutil.which(name) for name in ([compiler] if compiler else COMPILERS)):
        sought = f"{COMPILER_VARIABLE}={compiler}" if compiler else " or ".join(COMPILERS)
        raise InputError(
            f"latency.runtimes: {TORCH_COMPILE} needs a C++ compiler, and {sought} is not installed; "
            "install one (Debian: apt-get install g++), or remove the runtime"
        )
    compiled = copy.deepcopy(model)
    compiled.compile(dynamic=False)
    with torch.inference_mode():
        difference = max(relative_difference(model, compiled, images) for images in batches)
    require_close("the compiled net differs from the net", difference)
    return compiled, difference


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
