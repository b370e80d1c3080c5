"""A user's own trained weights, under our names or under those of another code of the same architecture."""

from __future__ import annotations

import pickle
import re
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor, nn

from filterbench.storage.errors import InputError
from filterbench.storage.weights import Weights, load_into, read_weights

# Keys under which a checkpoint often holds the state dict.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
# Prefixes of all names in nets that are wrapped for several GPUs or for compiling.
PREFIXES = ("module.", "_orig_mod.")
TORCHVISION = re.compile(
    r"(?:layer(?P<stage>\d+)\.(?P<block>\d+)\.)?(?:(?P<kind>conv|bn|downsample\.)(?P<number>\d)|fc)"
    r"\.(?P<entry>weight|bias|running_mean|running_var)"
)
ENTRIES = ("weight", "bias", "running_mean", "running_var")
# Kept by BatchNorm, not needed here, and missing in old checkpoints.
COUNTER = "num_batches_tracked"


def adopt_weights(model: nn.Module, path: Path) -> None:
    """Give a fresh net the weights of a file, in place.

    Names are ours, or those of a net with the same layers in the same order, such as torchvision's ResNet
    with a 3x3 stem and no max-pool. Then tensors correspond by position, kind (`weight`, `running_mean`, ...)
    and shape.

    Args:
        model: the net with fresh weights, on the CPU.
        path: a state dict, in `.safetensors` or in a file that `torch.load` reads with `weights_only`.

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
    """A torchvision ResNet's tensors in the order of its layers, which safetensors does not keep."""
    places = {name: TORCHVISION.fullmatch(name) for name in found}
    if not all(places.values()):
        return found

    def place(name: str) -> tuple[int, ...]:
        match = places[name]
        assert match
        stage, block, number = (int(match[part] or 0) for part in ("stage", "block", "number"))
        last, shortcut, norm = (match["kind"] == kind for kind in (None, "downsample.", "bn"))
        return last, stage, block, shortcut, number, norm, ENTRIES.index(match["entry"])

    return {name: found[name] for name in sorted(found, key=place)}


def _renamed(found: Weights, wanted: Weights, path: Path) -> Weights:
    """The tensors under our names."""
    renamed = {}
    for theirs, ours in zip_longest(found, wanted):
        if theirs is None or ours is None or _described(theirs, found) != _described(ours, wanted):
            given = "nothing more" if theirs is None else f"{theirs} {tuple(found[theirs].shape)}"
            expected = "nothing more" if ours is None else f"{ours} {tuple(wanted[ours].shape)}"
            raise InputError(
                f"{path}: has {given} where this net has {expected}; the weights must have this architecture "
                "and width and, in safetensors, which keeps no order, these names"
            )
        renamed[ours] = found[theirs]
    return renamed


def _described(name: str, weights: Weights) -> tuple[str, tuple[int, ...]]:
    return name.rpartition(".")[2], tuple(weights[name].shape)


def _read(path: Path) -> Weights:
    content: object = read_weights(path) if path.suffix == ".safetensors" else _load(path)
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(each, Tensor) for each in content.values()):
        raise InputError(f"{path}: not a state dict, which maps names to tensors")
    return {_plain(name): tensor for name, tensor in content.items()}


def _load(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as reason:
        raise InputError(
            f"{path}: holds more than tensors, and reading that could run code; save only "
            "model.state_dict(), or use safetensors"
        ) from reason
    except (OSError, RuntimeError, EOFError, ValueError) as reason:
        raise InputError(f"{path}: cannot be read ({str(reason).splitlines()[0]})") from reason


def _plain(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
