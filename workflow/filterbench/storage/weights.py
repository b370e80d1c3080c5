"""Weights on disk: safetensors, never pickle."""

from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write

Weights = dict[str, Tensor]


def write_weights(path: Path, weights: Weights, about: dict[str, str] | None = None) -> None:
    """Write named tensors atomically; the same tensors and one text about them give the same bytes."""
    with atomic_write(path) as file:
        file.write(packed(weights, about))


def packed(weights: Weights, about: dict[str, str] | None = None) -> bytes:
    """Named tensors, and texts about them, as the content of a safetensors file."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    return safetensors.torch.save(tensors, about)


def read_tensors(path: Path) -> Weights:
    """Read the named tensors of any file, such as a user's own, onto the CPU.

    Raises:
        InputError: the file is missing, truncated or not a safetensors file.
    """
    try:
        return safetensors.torch.load_file(path)
    except Exception as reason:  # A damaged file can raise anything in the library.
        raise InputError(f"{path}: not a readable safetensors file ({reason})") from reason


def read_weights(path: Path) -> Weights:
    """Read the named tensors of a file that the workflow made onto the CPU.

    Raises:
        InputError: as in `read_tensors`; the message says how to make the file again.
    """
    try:
        return read_tensors(path)
    except InputError as reason:
        raise InputError(f"{reason}; remove it, and the next run rebuilds it") from reason


def load_into(model: nn.Module, weights: Weights, path: Path) -> None:
    """Load weights into a net of the same shapes, without copying the tensors.

    Args:
        model: the net, which may be on the meta device.
        weights: its whole state.
        path: the file of the weights, for the error.

    Raises:
        InputError: a name is missing or unknown, or has another shape.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            shape, allowed = found.get(name, "missing"), wanted.get(name, "no such name")
            raise InputError(f"{path}: {name}: shape {shape}, this net has {allowed}")
    model.load_state_dict(weights, assign=True)
