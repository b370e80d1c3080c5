"""The process that computes: device, threads, seeds, versions."""

from __future__ import annotations

import os
import platform
import random
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from filterbench.documents.parts import Machine
from filterbench.jobs.devices import own_gpu
from filterbench.storage.errors import InputError

PACKAGES = ("torch", "nni", "thop", "torch-pruning", "numpy", "safetensors")

# cuBLAS is deterministic only with a fixed workspace, chosen before CUDA starts.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def choose_device(wanted: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`.

    Raises:
        InputError: `cuda` is asked for and there is no GPU.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError("device: cuda is asked for, but torch sees no GPU; allowed here: auto, cpu")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", own_gpu())
    torch.cuda.set_device(device)
    return device


def make_deterministic(seed: int, threads: int, device: torch.device) -> None:
    """Fix every source of chance: all generators, the number of CPU threads, a GPU's algorithms."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    # On a CPU all that the nets use is deterministic at a fixed number of threads; the switch would
    # cost each process a second, in which torch imports its compiler.
    if device.type == "cuda":
        torch.use_deterministic_algorithms(True)
        # What does not run in bfloat16 runs in full float32.
        torch.backends.cudnn.allow_tf32 = False


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def machine(device: torch.device) -> Machine:
    """What a job runs on: models of the CPU and, where that computes, of the GPU."""
    found: Machine = {"cpu": _cpu_model(), "cores": os.cpu_count() or 1}
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def _cpu_model() -> str:
    """The CPU's name; Python itself knows only its architecture on Linux."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
