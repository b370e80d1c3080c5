"""A net to take away: the file of its weights says what it is, and gives it back without a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from filterbench.data.image_folder import read_image
from filterbench.data.loading import normalise
from filterbench.documents.parts import Normalisation
from filterbench.models.adopting import module_names
from filterbench.models.rebuilding import build_without_values, rebuild_model
from filterbench.models.registry import MODELS
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_tensors

# The text in a safetensors file's metadata. One text alone: the order of several differs between processes.
KEY = "filterbench"


class _Optional(TypedDict, total=False):
    pruner: str
    target: str
    top5: float


class NetRecord(_Optional):
    """What the file of a net says about it.

    Attributes:
        version: of FilterBench.
        dataset: a key of `DATASETS`.
        protocol: `validation` or `test`: the split that chose its epoch.
        model: a key of `MODELS`.
        width: multiplier of the unpruned net's channel counts.
        image_size: height and width of its images, in pixels.
        seed: of its training.
        pruner: absent for an unpruned net.
        target: as in the name of its cell's folder; absent for an unpruned net.
        classes: names of its outputs, in order.
        normalisation: of its images.
        params: learned numbers.
        flops: multiply-accumulates of one image, in the published convention.
        accuracy: on the test images, 0 to 1.
        top5: share of the test images whose class is among the five most likely ones, 0 to 1; absent with
            fewer than 20 classes.
    """

    version: str
    dataset: str
    protocol: str
    model: str
    width: float
    image_size: int
    seed: int
    classes: list[str]
    normalisation: Normalisation
    params: int
    flops: int
    accuracy: float


class PortableNet(nn.Module):
    """A net with what its user has to know.

    Attributes:
        net: the plain net, for normalised images.
        metadata: what its file says.
    """

    def __init__(self, net: nn.Module, metadata: NetRecord) -> None:
        super().__init__()
        self.net = net
        self.metadata = metadata

    @property
    def classes(self) -> list[str]:
        """Names of the outputs, in order."""
        return self.metadata["classes"]

    def preprocess(self, pixels: Tensor) -> Tensor:
        """Images as the net takes them: float32, (n, 3, size, size).

        Args:
            pixels: uint8, (n, 1 or 3, size, size), grey or RGB, of the metadata's `image_size`.

        Raises:
            InputError: they have another type or shape.
        """
        size = self.metadata["image_size"]
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1:] not in _shapes(size):
            found = f"{str(pixels.dtype).removeprefix('torch.')} {tuple(pixels.shape)}"
            raise InputError(f"images are {found}; allowed: uint8 (n, 1 or 3, {size}, {size})")
        mean, std = (
            torch.tensor(self.metadata["normalisation"][name], device=pixels.device).view(1, -1, 1, 1)
            for name in ("mean", "std")
        )
        return normalise(pixels, mean, std)

    def read(self, *paths: str | Path) -> Tensor:
        """Image files as the net takes them: float32, (n, 3, size, size).

        Each is cropped to its centre square and resized, like those of the dataset `image-folder`.

        Raises:
            InputError: a file cannot be read.
        """
        size = self.metadata["image_size"]
        return self.preprocess(torch.from_numpy(np.stack([read_image(Path(path), size) for path in paths])))

    def state_dict_like(self, path: str | Path) -> dict[str, Tensor]:
        """The weights under the names of a user's own file, such as the one that the study began with.

        Args:
            path: a state dict of the unpruned net, `.pt` or `.safetensors`, in names that a study takes.

        Raises:
            InputError: the file cannot be read, or is of another net.
        """
        about = self.metadata
        unpruned = build_without_values(
            about["model"], about["width"], len(about["classes"]), about["image_size"]
        )
        names = module_names(unpruned, Path(path))
        state = {}
        for ours, tensor in self.net.state_dict().items():
            module, _, entry = ours.rpartition(".")
            state[f"{names[module]}.{entry}"] = tensor
        return state

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of normalised images (n, 3, size, size)."""
        return self.net(images)


def _shapes(size: int) -> tuple[tuple[int, int, int], ...]:
    return (1, size, size), (3, size, size)


def as_metadata(record: NetRecord) -> dict[str, str]:
    """A record as the metadata of a safetensors file."""
    return {KEY: json.dumps(record)}


def read_record(path: Path) -> NetRecord:
    """What the file of a net says about it.

    Raises:
        InputError: the file cannot be read, or says nothing.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors, about = list(file.keys()), file.metadata() or {}
        found: NetRecord = json.loads(about[KEY] if tensors else "{}")
    except (OSError, SafetensorError, ValueError) as reason:
        raise InputError(f"{path}: not a readable safetensors file ({reason})") from reason
    except KeyError as reason:
        raise InputError(
            f"{path}: does not say which net it holds; allowed: the files of trained nets "
            "(model.safetensors, finetune.safetensors), made by this version or a later one"
        ) from reason
    if not tensors:
        raise InputError(f"{path}: has no net, because the cell is infeasible; its prune.json has the reason")
    if missing := NetRecord.__required_keys__ - found.keys():
        raise InputError(f"{path}: metadata without {', '.join(sorted(missing))}; get a complete file")
    return found


def read_portable(path: Path) -> PortableNet:
    """The net of a file, on the CPU and in evaluation mode.

    Args:
        path: a file whose metadata have a `NetRecord`.

    Raises:
        InputError: the file cannot be read, or its model is unknown.
    """
    record = read_record(path)
    if record["model"] not in MODELS:
        raise InputError(
            f"{path}: unknown model {record['model']!r}; give the file that defines it: "
            "filterbench.load(..., code=['own_model.py'])"
        )
    net = rebuild_model(record["model"], read_tensors(path), path, record["image_size"])
    return PortableNet(net, record).eval()
