"""A user's own trained weights, under our names or under those of another code of the same architecture."""

from __future__ import annotations

import logging
import pickle
import re
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor, nn

from filterbench.storage.errors import InputError, first_line
from filterbench.storage.weights import Weights, load_into, read_tensors

logger = logging.getLogger(__name__)

# Keys under which a checkpoint often holds the state dict.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
# Parts of the names in nets that are wrapped, once or several times, for several GPUs or for compiling.
PREFIXES = re.compile(r"(?<![^.])(?:(?:module|_orig_mod)\.)+")
# Dtypes whose values float32 holds, but for the last digits of a double.
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
# How the files of `torch.save` begin: an archive or, from old versions, a pickle.
SAVED = (b"PK\x03\x04", b"\x80")
# How files begin that are often stored under the name of weights, and what they are.
MISTAKEN = {
    b"version https://git-lfs": "a Git LFS pointer, not the weights; fetch them with `git lfs pull`",
    b"<": "a web page or another text, not weights; download the file itself",
    b"{": "JSON, not weights; give the file of the weights",
}
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
    and shape. Half, bfloat16 and double precision become float32.

    Args:
        model: the net with fresh weights, on the CPU.
        path: a state dict, in `.safetensors` or in a file that `torch.load` reads with `weights_only`.

    Raises:
        InputError: the file cannot be read, the weights are not this architecture's at this width, are
            integers, infinite or not a number, or all filters of a layer are zero.
    """
    weights, own = _read(path), model.state_dict()
    counters = {name: tensor for name, tensor in own.items() if name.endswith(COUNTER)}
    names = _matched(own, weights, path)
    adopted = _as_float32({ours: weights[theirs] for ours, theirs in names.items()}, path) | counters
    load_into(model, {name: adopted[name] for name in own if name in adopted}, path)
    _check_filters(model, path)


def module_names(model: nn.Module, path: Path) -> dict[str, str]:
    """The names of a net's layers in a user's file, by our names.

    Args:
        model: the unpruned net.
        path: as for `adopt_weights`.

    Raises:
        InputError: as in `adopt_weights`.
    """
    names = _matched(model.state_dict(), _read(path), path)
    return {ours.rpartition(".")[0]: theirs.rpartition(".")[0] for ours, theirs in names.items()}


def _as_float32(found: Weights, path: Path) -> Weights:
    """Copies of the tensors in float32, the precision of every net here; the log names another one."""
    converted = sorted({str(each.dtype).removeprefix("torch.") for each in found.values()} - {"float32"})
    adopted = {}
    for name, tensor in found.items():
        if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_meta:
            kind = "has no values" if tensor.is_meta else "is sparse or nested"
            raise InputError(f"{path}: {name}: the tensor {kind}; allowed: a dense one")
        if tensor.dtype not in FLOATS:
            allowed = ", ".join(str(each).removeprefix("torch.") for each in FLOATS)
            given = str(tensor.dtype).removeprefix("torch.")
            raise InputError(f"{path}: {name}: {given}; allowed: {allowed}")
        adopted[name] = tensor.detach().to(torch.float32, copy=True)
        if unusable := tensor.numel() - int(adopted[name].isfinite().sum()):
            raise InputError(f"{path}: {name}: {unusable} of {tensor.numel()} values are infinite or NaN")
        if name.endswith("running_var") and adopted[name].min() < 0:
            raise InputError(f"{path}: {name}: a variance is below 0; allowed: at least 0")
    if converted:
        logger.info("%s: %s becomes float32", path, " and ".join(converted))
    return adopted


def _check_filters(model: nn.Module, path: Path) -> None:
    """Refuse a convolution without a filter that computes anything; filters of zeros are logged."""
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            zeros = int((layer.weight.flatten(1) == 0).all(dim=1).sum())
            if zeros == layer.out_channels:
                raise InputError(f"{path}: {name}: all {zeros} filters are zero; nothing is left to prune")
            if zeros:
                logger.warning("%s: %s: %d of %d filters are zero", path, name, zeros, layer.out_channels)


def _in_order(found: Weights) -> list[str]:
    """The names of a torchvision ResNet in the order of its layers, which safetensors does not keep."""
    places = {name: TORCHVISION.fullmatch(name) for name in found}
    if not all(places.values()):
        return list(found)

    def place(name: str) -> tuple[int, ...]:
        match = places[name]
        assert match
        stage, block, number = (int(match[part] or 0) for part in ("stage", "block", "number"))
        last, shortcut, norm = (match["kind"] == kind for kind in (None, "downsample.", "bn"))
        return last, stage, block, shortcut, number, norm, ENTRIES.index(match["entry"])

    return sorted(found, key=place)


def _matched(own: Weights, weights: Weights, path: Path) -> dict[str, str]:
    """The names in a file, by our names, without those of counters."""
    wanted, found = (
        {name: tensor for name, tensor in each.items() if not name.endswith(COUNTER)}
        for each in (own, weights)
    )
    if found.keys() == wanted.keys():
        return {name: name for name in wanted}
    names = {}
    for theirs, ours in zip_longest(_in_order(found), wanted):
        if theirs is None or ours is None or _described(theirs, found) != _described(ours, wanted):
            given = "nothing more" if theirs is None else f"{theirs} {tuple(found[theirs].shape)}"
            expected = "nothing more" if ours is None else f"{ours} {tuple(wanted[ours].shape)}"
            raise InputError(
                f"{path}: has {given} where this net has {expected}; the weights must have this architecture "
                "and width and, in safetensors, which keeps no order, these names"
            )
        names[ours] = theirs
    return names


def _described(name: str, weights: Weights) -> tuple[str, tuple[int, ...]]:
    return name.rpartition(".")[2], tuple(weights[name].shape)


def _read(path: Path) -> Weights:
    _refuse_mistaken(path)
    content: object = read_tensors(path) if path.suffix == ".safetensors" else _load(path)
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(each, Tensor) for each in content.values()):
        raise InputError(f"{path}: not a state dict, which maps names to tensors")
    plain = {PREFIXES.sub("", str(name), count=1): tensor for name, tensor in content.items()}
    if len(plain) < len(content):
        raise InputError(
            f"{path}: has tensors with and without the prefix of a wrapped net; keep one of each"
        )
    return plain


def _refuse_mistaken(path: Path) -> None:
    """Refuse a file that is not of weights, with what it is.

    Raises:
        InputError: it is missing, empty, a pointer, a text, or nothing that `torch.save` writes.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as reason:
        raise InputError(f"{path}: cannot be read ({reason.strerror})") from reason
    # Weights have bytes of zero among the first ones, as lengths; a text has none.
    text = start.lstrip() if b"\0" not in start else b""
    for beginning, kind in MISTAKEN.items():
        if text.startswith(beginning):
            raise InputError(f"{path}: {kind}")
    if not start:
        raise InputError(f"{path}: the file is empty; give the file of the weights")
    if path.suffix != ".safetensors" and not start.startswith(SAVED):
        raise InputError(f"{path}: not a file of torch.save; safetensors are named .safetensors")


def _load(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as reason:
        raise InputError(
            f"{path}: holds more than tensors, and reading that could run code; save only "
            "model.state_dict(), or use safetensors"
        ) from reason
    except Exception as reason:  # A damaged file can raise anything in the library.
        raise InputError(f"{path}: cannot be read ({first_line(reason)})") from reason
