"""The state of a long computation on disk, from which a later process resumes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch.optim import Optimizer

from filterbench.storage.files import atomic_write, remove
from filterbench.storage.stopwatch import Stopwatch
from filterbench.storage.weights import Weights

SECONDS_BETWEEN_SAVES = 10.0


class Checkpoint:
    """One safetensors file that holds tensors and a record, and whose computation they belong to.

    Args:
        path: the file.
        key: digest of everything that the computation depends on; a file with another key is not resumed.
        stopwatch: of the computation.
        interval: seconds that pass at least between two saves, from 0.
    """

    def __init__(
        self, path: Path, key: str, stopwatch: Stopwatch, interval: float = SECONDS_BETWEEN_SAVES
    ) -> None:
        self._path, self._key, self._stopwatch, self._interval = Path(path), key, stopwatch, interval
        self._last_save = time.monotonic()

    def load(self) -> tuple[Weights, dict[str, Any]] | None:
        """The tensors and the record of an interrupted computation; None where there is none."""
        try:
            with safe_open(self._path, framework="pt") as file:
                header = json.loads((file.metadata() or {}).get("checkpoint", "{}"))
                if header.get("key") != self._key:
                    return None
                self._stopwatch.resume(header["seconds"])
                return {name: file.get_tensor(name) for name in file.keys()}, header["record"]  # noqa: SIM118
        except (OSError, SafetensorError):
            return None

    def due(self) -> bool:
        """Whether the interval since the last save has passed."""
        return time.monotonic() - self._last_save >= self._interval

    def save(self, tensors: Weights, record: dict[str, Any]) -> None:
        """Replace the file; it is whole at every moment."""
        about = {"key": self._key, "seconds": self._stopwatch.seconds(), "record": record}
        header = {"checkpoint": json.dumps(about)}
        content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        with atomic_write(self._path) as file:
            file.write(safetensors.torch.save(content, header))
        self._last_save = time.monotonic()

    def remove(self) -> None:
        """Delete the file of a finished computation."""
        remove(self._path)


def prefixed(prefix: str, tensors: Weights) -> Weights:
    """The same tensors under `prefix/name`."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Weights) -> Weights:
    """The tensors whose name starts with `prefix/`, without it."""
    start = f"{prefix}/"
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}


def optimizer_tensors(optimizer: Optimizer) -> Weights:
    """What an optimizer remembers of each parameter, by `index/name`."""
    return {
        f"{index}/{name}": tensor
        for index, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
        if tensor is not None
    }


def restore_optimizer(optimizer: Optimizer, tensors: Weights) -> None:
    """Give an optimizer of the same parameters what `optimizer_tensors` read from another."""
    state: dict[int, dict[str, Any]] = {}
    for path, tensor in tensors.items():
        index, name = path.split("/")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
