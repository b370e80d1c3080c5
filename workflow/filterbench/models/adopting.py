"""A user's own trained weights, in our naming or in another one's of the same architecture."""

from __future__ import annotations

import pickle
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from filterbench.storage.errors import InputError
from filterbench.storage.weights import Weights, load_into, read_weights

# Under which a checkpoint often holds the state dict.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
# What nets wrapped for several GPUs or for compiling put before each name.
PREFIXES = ("module.", "_orig_mod.")
TORCHVISION = re.compile(
    r"(?:layer(?P<stage>\d+)\.(?P<block>\d+)\.)?(?:(?P<kind>conv|bn|downsample\.)(?P<number>\d)|fc)"
    r"\.(?P<entry>weight|bias|running_mean|running_var)"
)
ENTRIES = ("weight", "bias", "running_mean", "running_var")
# Kept by BatchNorm, needed by nothing here, and left out by old checkpoints.
COUNTER = "num_batches_tracked"


def adopt_weights(model: nn.Module, path: Path) -> None:
    """Give a fresh net the weights of a file, in place.

    Names are ours, or those of the same layers in the same order, as of torchvision's ResNet with a 3x3 stem
    and no max-pool: then tensors correspond by place, kind (`weight`, `running_mean`, ...) and shape.

    Args:
        model: the net with fresh weights, on the CPU.
        path: a state dict as `.safetensors`, or as any file that `torch.load` reads with `weights_only`.

    Raises:
        InputError: the file cannot be read, or the weights are not this architecture's at this width.
    """
    weights = _read(path)
    own = model.state_dict()
    counters = {name: tensor for name, tensor in own.items() if name.endswith(COUNTER)}
    wanted = {name: tensor for name, tensor in own.items() if name not in counters}
    found = {name: tensor for name, tensor in weights.items() if not name.endswith(COUNTER)}
    if found.keys() != wanted.keys():
        found = _renamed(_in_order(found), wanted, path)
    adopted = {name: found[name].detach().clone() for name in wanted} | counters
    load_into(model, {name: adopted[name] for name in own}, path)


def _in_order(found: Weights) -> Weights:
    """A torchvision ResNet's tensors in the order of its layers, which safetensors do not keep."""
    places = {name: TORCHVISION.fullmatch(name) for name in found}
    if not all(places.values()):
        return found

    def place(name: str) -> tuple[int, ...]:
        match = places[name]
        assert match
        last = not match["kind"]
        shortcut = match["kind"] == "downsample."
        number = int(match["number"] or 0)
        return (
            int(last),
            int(match["stage"] or 0),
            int(match["block"] or 0),
            int(shortcut),
            number,
            int(match["kind"] == "bn"),
            ENTRIES.index(match["entry"]),
        )

    return {name: found[name] for name in sorted(found, key=place)}


def _renamed(found: Weights, wanted: Weights, path: Path) -> Weights:
    """The tensors under our names."""
    renamed = {}
    for theirs, ours in zip_longest(found, wanted):
        if theirs is None or ours is None or _described(theirs, found) != _described(ours, wanted):
            told = "nothing more" if theirs is None else f"{theirs} {tuple(found[theirs].shape)}"
            expected = "nothing more" if ours is None else f"{ours} {tuple(wanted[ours].shape)}"
            raise InputError(
                f"{path}: {told} stands where this net has {expected}: another architecture, width or, in "
                "safetensors, which keep no order, naming"
            )
        renamed[ours] = found[theirs]
    return renamed


def _described(name: str, weights: Weights) -> tuple[str, tuple[int, ...]]:
    return name.rpartition(".")[2], tuple(weights[name].shape)


def _read(path: Path) -> Weights:
    content: Any = read_weights(path) if path.suffix == ".safetensors" else _load(path)
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(each, Tensor) for each in content.values()):
        raise InputError(f"{path}: no state dict: a mapping of names to tensors")
    return {_plain(name): tensor for name, tensor in content.items()}


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as reason:
        raise InputError(
            f"{path}: holds more than tensors, which could run code when it is read; save "
            "model.state_dict() alone, or as safetensors"
        ) from reason
    except (OSError, RuntimeError, EOFError, ValueError) as reason:
        raise InputError(f"{path}: cannot be read ({str(reason).splitlines()[0]})") from reason


def _plain(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
