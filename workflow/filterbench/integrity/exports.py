"""Exported nets against the net that they were made from; nothing in them is run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import onnx
import torch

from filterbench.compaction.exporting import as_texts
from filterbench.compaction.portable import NetRecord, read_record
from filterbench.documents.types import ResultDocument
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.integrity.nets import shapes_of
from filterbench.results.card import facts
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_tensors

WEIGHTS = "data/weights"
# What `FromPixels` puts before the names of its net's weights.
INNER = "net."
Faults = Callable[[Path], Iterator[str]]


def other_exports(folder: Path, documents: Documents) -> Iterator[Finding]:
    """Exported files and cards that are not those of a cell's fine-tuned net.

    Args:
        folder: of the cell; without its net, or with a faulty one, nothing is compared.
        documents: of the cell, by name.
    """
    net = folder / "finetune.safetensors"
    try:
        record = read_record(net)
    except InputError:
        return
    for name, faults in _checks(net, record, documents).items():
        path = folder / name
        try:
            if path.exists():
                yield from (Finding(path, "", reason) for reason in faults(path))
        except InputError as reason:
            yield Finding(path, "", str(reason).removeprefix(f"{path}: "))


def _checks(net: Path, record: NetRecord, documents: Documents) -> dict[str, Faults]:
    """By name of a file, what finds its faults."""
    checks: dict[str, Faults] = {}
    export, result = documents.get("export", {}), documents.get("result")
    if "input" in export:
        metadata = {**record, "input": export["input"]}
        checks["export.json"] = partial(_of_document, export, record)
        checks["model.onnx"] = partial(_of_onnx, metadata, net)
        checks["net.pt2"] = partial(_of_archive, metadata, net)
        if result:
            checks["card.md"] = partial(_of_card, facts(cast(ResultDocument, result)))
    if "onnx_bytes" in documents.get("int8", {}):
        checks["model.int8.onnx"] = partial(_of_onnx, {**record, "input": "normalised"}, None)
    return checks


def _of_document(document: Document, record: NetRecord, path: Path) -> Iterator[str]:
    for key in ("classes", "normalisation"):
        if document[key] != (there := dict(record)[key]):
            yield f"$.{key}: {document[key]}, but finetune.safetensors has {there}"


def _of_card(expected: list[str], path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    yield from (f"does not say {fact}, which result.json gives" for fact in expected if fact not in text)


def _of_onnx(metadata: Mapping[str, object], net: Path | None, path: Path) -> Iterator[str]:
    """Faults of an ONNX model's metadata and, where its net is given, of its convolutions' shapes."""
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as reason:  # A damaged file can raise anything in the library.
        raise InputError(f"{path}: not a readable ONNX model ({reason})") from reason
    if [(entry.key, entry.value) for entry in model.metadata_props] != [*as_texts(metadata).items()]:
        yield "other metadata than in finetune.safetensors"
    filters = {name: shape for name, shape in shapes_of(net).items() if len(shape) == 4} if net else {}
    found = {each.name.removeprefix(INNER): tuple(each.dims) for each in model.graph.initializer}
    for name, shape in filters.items():
        if found.get(name) != shape:
            yield f"{name}: shape {found.get(name)}, but finetune.safetensors has {shape}"


def _of_archive(metadata: Mapping[str, object], net: Path, path: Path) -> Iterator[str]:
    """Faults of a torch archive's metadata and weights."""
    about, found = _read_archive(path)
    if about != metadata:
        yield "other metadata than in finetune.safetensors"
    expected = read_tensors(net)
    if metadata["input"] == "pixels":
        expected |= {name: torch.tensor(value) for name, value in dict(metadata["normalisation"]).items()}  # type: ignore[call-overload]
    for name in sorted(expected.keys() | found.keys()):
        if name not in expected or found.get(name) != expected[name].numpy().tobytes():
            yield f"{name}: other weights than in finetune.safetensors"
            return


def _read_archive(path: Path) -> tuple[Any, dict[str, bytes]]:
    """The metadata of a torch archive, and by name the bytes of its weights.

    Raises:
        InputError: the file is not such an archive.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in file.infolist()):
                raise ValueError("compressed")
            # All below one folder.
            names = {name.partition("/")[2]: name for name in file.namelist()}
            metadata = json.loads(file.read(names["extra/metadata.json"]))
            config = json.loads(file.read(names[f"{WEIGHTS}/model_weights_config.json"]))["config"]
            places = {name: names[f"{WEIGHTS}/{about['path_name']}"] for name, about in config.items()}
            return metadata, {name.removeprefix(INNER): file.read(place) for name, place in places.items()}
    except Exception as reason:  # As above, in `zipfile` and in what is read from it.
        raise InputError(f"{path}: not a readable torch archive ({reason!r})") from reason
