"""Recorded digests against the files that are there, and counts against the weights that are there."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from filterbench.domain.spending import REFERENCE
from filterbench.integrity.findings import Finding
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.files import known_digest

# By kind of a cell's document and name of an input: where that lies, from the cell's folder.
_BASELINE = "../../baseline"
_NETS = {
    "document": "speedup.json",
    "original": f"{_BASELINE}/model.safetensors",
    "compact": "speedup.safetensors",
}
_COMPACT = {"weights": "speedup.safetensors", "document": "speedup.json", "prune": "prune.json"}
_CELL_INPUTS = {
    "prune": {
        "weights": f"{_BASELINE}/model.safetensors",
        "latency_table": "../../../latency_table.json",
        "searched_prune": "../../{searched}/{target}/prune.json",
        "searched_count": "../../{searched}/{target}/count.json",
    },
    "speedup": {
        "original": f"{_BASELINE}/model.safetensors",
        "weights": "prune.safetensors",
        "document": "prune.json",
    },
    "count": _NETS,
    "finetune": _COMPACT,
    "equal": _COMPACT,
    "scratch": _COMPACT,
    "latency": _NETS,
    "export": {"weights": "finetune.safetensors", "document": "finetune.json"},
    "int8": {
        "original": f"{_BASELINE}/model.safetensors",
        "finetuned": "finetune.safetensors",
        "document": "finetune.json",
    },
}
# The same for the documents beside a baseline.
_BASELINE_INPUTS = {"weights": "model.safetensors", "document": "baseline.json"}
# Files that documents record beside their inputs, by key; `stem` is the document's name.
_RECORDED = {"correct": "{stem}.correct", "digest": "model.onnx"}


def changed_files(
    path: Path, kind: str, document: Mapping[str, Any], images: Path, left_out: Counter[str]
) -> Iterator[Finding]:
    """Files that are no longer what a document was made from or with.

    Args:
        path: of the document.
        kind: of the document.
        document: any.
        images: the study's data file.
        left_out: counts digests of files that are not there.
    """
    recorded = {
        f"$.provenance.inputs.{name}": (_input(path, kind, name, document, images), digest)
        for name, digest in document.get("provenance", {}).get("inputs", {}).items()
    }
    for key, name in _RECORDED.items():
        if key in document:
            recorded[f"$.{key}"] = (path.with_name(name.format(stem=path.stem)), document[key])
    for place, (file, digest) in recorded.items():
        if file is None:
            left_out["digests of inputs that this version does not know"] += 1
        elif not file.exists():
            left_out["digests of files that are not there"] += 1
        elif known_digest(file) != digest:
            yield Finding(path, place, f"another digest than that of {file}")


def _input(path: Path, kind: str, name: str, document: Mapping[str, Any], images: Path) -> Path | None:
    if name == "images":
        return images
    names = _BASELINE_INPUTS if path.parent.name == "baseline" else _CELL_INPUTS.get(kind, {})
    if kind == "trajectory":
        names = {"weights": f"{_BASELINE}/model.safetensors", "latency_table": "../../../latency_table.json"}
    if name.startswith(REFERENCE):
        return path.parents[2] / name.removeprefix(REFERENCE) / path.parent.name / "prune.json"
    if name not in names:
        return None
    pruner = document["cell"].get("pruner")
    searched = PRUNERS[pruner].searched if pruner in PRUNERS else ""
    return path.parent / names[name].format(target=path.parent.name, searched=searched)


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def wrong_counts(path: Path, document: Mapping[str, Any], left_out: Counter[str]) -> Iterator[Finding]:
    """Numbers of params in `count.json` that are not those of the weights."""
    for key, name in (("original", "original"), ("speedup", "compact")):
        file = path.parent / _NETS[name]
        if not file.exists():
            left_out["counts of weights that are not there"] += 1
            continue
        try:
            params = _params(file, *_state(file))
        except (SafetensorError, struct.error, OSError) as reason:
            yield Finding(file, "", f"not a readable safetensors file ({reason})")
            continue
        if params != document["params"][key]:
            yield Finding(path, f"$.params.{key}", f"{document['params'][key]}, but {file} has {params}")


@cache
def _params(file: Path, size: int, modified: int) -> int:
    """Params of a net; what BatchNorm only keeps track of is none."""
    with safe_open(file, framework="np") as tensors:
        return sum(
            prod(tensors.get_slice(name).get_shape())
            for name in tensors.keys()  # noqa: SIM118
            if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))
        )
