"""The state of a long computation, on disk, so that a later process can resume it."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor
from torch.optim import Optimizer

from filterbench.storage.files import atomic_write, remove
from filterbench.storage.stopwatch import Stopwatch
from filterbench.storage.weights import Weights, packed

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SAVES = 10.0
# Bytes of the length at a safetensors file's start; its header, in JSON, follows.
LENGTH = 8


class Checkpoint:
    """One file with tensors, a record, and the key of their computation.

    The file is a SHA-256 in binary, and the safetensors content that it belongs to.

    Args:
        path: the file.
        key: digest of everything that the computation depends on; a file with another key is ignored.
        stopwatch: of the computation.
        interval: minimum number of seconds between two saves; at least 0.
    """

    def __init__(
        self, path: Path, key: str, stopwatch: Stopwatch, interval: float = SECONDS_BETWEEN_SAVES
    ) -> None:
        self._path, self._key, self._stopwatch, self._interval = Path(path), key, stopwatch, interval
        self._last_save = time.monotonic()

    def load(self) -> tuple[Weights, dict[str, Any]] | None:
        """The tensors and the record of an interrupted computation; None if no sound ones were saved."""
        try:
            saved = self._path.read_bytes()
        except FileNotFoundError:
            return None
        digest, content = saved[: hashlib.sha256().digest_size], saved[hashlib.sha256().digest_size :]
        if hashlib.sha256(content).digest() != digest:
            logger.warning("%s is damaged, or of another version: starting again", self._path)
            return None
        header = _texts(content)
        if header["key"] != self._key:
            logger.info("%s is of other inputs, settings or code: starting again", self._path)
            return None
        self._stopwatch.resume(header["seconds"])
        return safetensors.torch.load(content), header["record"]

    def due(self) -> bool:
        """Whether the interval since the last save has passed."""
        return time.monotonic() - self._last_save >= self._interval

    def save(self, tensors: Weights, record: dict[str, Any]) -> None:
        """Replace the file atomically."""
        about = {"key": self._key, "seconds": self._stopwatch.seconds(), "record": record}
        content = packed(tensors, {"checkpoint": json.dumps(about)})
        with atomic_write(self._path) as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        self._last_save = time.monotonic()

    def remove(self) -> None:
        """Delete the file of a finished computation."""
        remove(self._path)


def _texts(content: bytes) -> dict[str, Any]:
    """What a sound file says about its tensors."""
    end = LENGTH + int.from_bytes(content[:LENGTH], "little")
    return json.loads(json.loads(content[LENGTH:end])["__metadata__"]["checkpoint"])


def prefixed(prefix: str, tensors: Weights) -> Weights:
    """The same tensors under `prefix/name`."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Weights) -> Weights:
    """The tensors whose name starts with `prefix/`, under the rest of their name."""
    start = f"{prefix}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def optimizer_tensors(optimizer: Optimizer) -> Weights:
    """An optimizer's state of each parameter, by `index/name`."""
    return {
        f"{index}/{name}": tensor
        for index, state in optimizer.state_dict()["state"].items()
        for name, tensor in state.items()
        if tensor is not None
    }


def restore_optimizer(optimizer: Optimizer, tensors: Weights) -> None:
    """Restore the state that `optimizer_tensors` read from an optimizer of the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    for path, tensor in tensors.items():
        index, name = path.split("/")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
