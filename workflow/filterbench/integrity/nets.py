"""Documents against the shapes of the weights that are there."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from filterbench.costs.layer_costs import count_shapes
from filterbench.costs.memory import peak_activations
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.integrity.files import places_of
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.models.rebuilding import rebuild_model
from filterbench.pruners.search.sensitivity import FilterGroups
from filterbench.storage.errors import InputError
from filterbench.storage.files import once_while_same

TensorShapes = Mapping[str, tuple[int, ...]]
# Documents of a training, beside which its weights lie.
TRAINED = ("finetune", "equal", "scratch")


def wrong_shapes(folder: Path, documents: Documents, root: Path, left_out: Counter[str]) -> Iterator[Finding]:
    """Numbers of a cell's documents that are not those of the shapes in its weights.

    Args:
        folder: of the cell.
        documents: of the cell, by name.
        root: the folder that holds `results/`.
        left_out: counts checks for which weights are not there.
    """
    for name, document in documents.items():
        if "infeasible" in document:
            continue
        path, kind = folder / f"{name}.json", name.partition("-")[0]
        try:
            if kind == "count":
                yield from _counts(path, document, root, left_out)
            elif kind == "latency":
                yield from _memory(path, document, root)
            elif kind in ("prune", "speedup"):
                yield from _layers(path, kind, document, root)
            elif kind in TRAINED:
                yield from _trained(path, kind, document, root)
        except InputError as reason:
            yield Finding(path, "", f"not the net of its weights: {reason}")


def wrong_groups(folder: Path, documents: Documents) -> Iterator[Finding]:
    """Groups of convolutions of a sensitivity that are not those of the net.

    Args:
        folder: of a baseline.
        documents: the folder's, by name.
    """
    weights = folder / "model.safetensors"
    if "sensitivity" not in documents or not weights.exists():
        return
    path, document = folder / "sensitivity.json", documents["sensitivity"]
    try:
        groups = FilterGroups(_net(weights, document).without_values())
    except InputError as reason:
        yield Finding(path, "", f"not the net of its weights: {reason}")
        return
    found = [(group["layers"], group["channels"]) for group in document["groups"]]
    if found != list(zip(groups.layers, groups.channels.tolist(), strict=True)):
        yield Finding(path, "$.groups", f"not the groups of convolutions of {weights}")


def _counts(path: Path, document: Document, root: Path, left_out: Counter[str]) -> Iterator[Finding]:
    """Params, FLOPs and multiply-accumulates that are not those of the nets."""
    nets = places_of(path, "count", document["cell"], ("original", "compact"), root)
    for key, name in (("original", "original"), ("speedup", "compact")):
        if not nets[name].exists():
            left_out["counts of weights that are not there"] += 1
            continue
        for metric, number in counts_of(nets[name], document).items():
            if number != document[metric][key]:
                reason = f"{document[metric][key]}, but {nets[name]} has {number}"
                yield Finding(path, f"$.{metric}.{key}", reason)


def _memory(path: Path, document: Document, root: Path) -> Iterator[Finding]:
    """Bytes of activations that are not those of the nets."""
    nets = places_of(path, "latency", document["cell"], ("original", "compact"), root)
    images = {"single": 1, "batch": document["settings"]["batch"]}
    for key, net in (("original", nets["original"]), ("speedup", nets["compact"])):
        if not net.exists():
            continue
        for batch, number in images.items():
            expected = number * _activations(_net(net, document))
            if expected != (said := document["memory"]["activations"][batch][key]):
                reason = f"{said}, but {net} has {expected}"
                yield Finding(path, f"$.memory.activations.{batch}.{key}", reason)


def _layers(path: Path, kind: str, document: Document, root: Path) -> Iterator[Finding]:
    """Channels that are not those of the nets, and the sparsity that they come to."""
    original = places_of(path, "count", document["cell"], ("original",), root)["original"]
    if original.exists():
        filters = {name: shape for name, shape in shapes_of(original).items() if len(shape) == 4}
        expected = [(name.removesuffix(".weight"), shape[0]) for name, shape in filters.items()]
        layers = document["layers"]
        if sorted((layer["name"], layer["channels"]) for layer in layers) != sorted(expected):
            yield Finding(path, "$.layers", f"not the convolutions of {original}")
        elif kind == "prune":
            sizes = {layer["name"]: prod(filters[f"{layer['name']}.weight"][1:]) for layer in layers}
            gone = sum((layer["channels"] - layer["kept"]) * sizes[layer["name"]] for layer in layers)
            share = gone / sum(layer["channels"] * sizes[layer["name"]] for layer in layers)
            if share != (said := document["sparsity"]["reached"]):
                yield Finding(path, "$.sparsity.reached", f"{said}, but its layers come to {share}")
    compact = path.with_suffix(".safetensors")
    if kind == "speedup" and compact.exists():
        shapes = shapes_of(compact)
        for index, layer in enumerate(document["layers"]):
            kept = shapes.get(f"{layer['name']}.weight", (0,))[0]
            if kept != layer["kept"]:
                yield Finding(path, f"$.layers[{index}].kept", f"{layer['kept']}, but {compact} has {kept}")


def _trained(path: Path, kind: str, document: Document, root: Path) -> Iterator[Finding]:
    """Weights of another net than the one that was trained."""
    before = places_of(path, kind, document["cell"], ("weights",), root).get("weights")
    after = path.with_suffix(".safetensors")
    if before and before.exists() and after.exists() and shapes_of(before) != shapes_of(after):
        yield Finding(after, "", f"other shapes than in {before}, which it was trained from")


@once_while_same
def shapes_of(file: Path) -> TensorShapes:
    """Shape of each tensor, by name.

    Raises:
        InputError: the file is not a readable safetensors file.
    """
    try:
        with safe_open(file, framework="np") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, struct.error, OSError) as reason:
        raise InputError(f"{file}: not a readable safetensors file ({reason})") from reason


@dataclass(frozen=True)
class _Net:
    """The shapes of a net; nets of the same shapes are equal, so that they are counted once.

    Attributes:
        model: its name.
        image_size: height and width of its images, in pixels.
        shapes: of its weights, by name.
        file: of its weights, for errors.
    """

    model: str
    image_size: int
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    file: Path = field(compare=False)

    def without_values(self) -> nn.Module:
        weights = {name: torch.empty(shape, device="meta") for name, shape in self.shapes}
        return rebuild_model(self.model, weights, self.file, self.image_size).to("meta")


def _net(file: Path, document: Document) -> _Net:
    shapes = tuple(shapes_of(file).items())
    return _Net(document["cell"]["model"], image_size_of(document), shapes, file)


def counts_of(file: Path, document: Document) -> dict[str, int]:
    """By metric (`params`, `flops`, `conv_linear_macs`) what the net of a file has; no values are read.

    Args:
        file: of weights.
        document: of the net; it says which model it is.

    Raises:
        InputError: the file cannot be read, or holds another net.
    """
    return _counted(_net(file, document))


def image_size_of(document: Document) -> int:
    """Height and width of a document's images, in pixels."""
    return document["cell"].get("image_size", IMAGE_SIZE)


@cache
def _counted(net: _Net) -> dict[str, int]:
    return count_shapes(net.without_values())


@cache
def _activations(net: _Net) -> int:
    """Peak bytes of activations for one image."""
    image = torch.empty(1, 3, net.image_size, net.image_size, device="meta")
    return peak_activations(net.without_values(), image)
