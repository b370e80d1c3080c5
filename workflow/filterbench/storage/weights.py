"""Weights on disk: safetensors, never pickle."""

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write

Weights = dict[str, Tensor]


def write_weights(path: Path, weights: Weights) -> None:
    """Write named tensors; the same tensors give the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with atomic_write(path) as file:
        file.write(safetensors.torch.save(tensors))


def read_weights(path: Path) -> Weights:
    """Read named tensors onto the CPU.

    Raises:
        InputError: the file is missing, truncated or no safetensors file.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as reason:
        raise InputError(
            f"{path}: not a readable safetensors file ({reason}); remove it to make it again"
        ) from reason


def load_into(model: nn.Module, weights: Weights, path: Path) -> None:
    """Give a net its weights, whose shapes it has; the tensors become the net's own.

    Args:
        model: the net, which may be on the meta device.
        weights: its whole state.
        path: the file that the weights come from, for the error.

    Raises:
        InputError: a name is missing, unknown or of another shape.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            shape, allowed = found.get(name, "missing"), wanted.get(name, "no such name")
            raise InputError(f"{path}: {name}: shape {shape}, this net has {allowed}")
    model.load_state_dict(weights, assign=True)
