"""Recorded digests against the files that are there, and counts against the weights that are there."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open

from filterbench.integrity.findings import Document, Finding
from filterbench.storage.files import known_digest
from filterbench.study.inputs import inputs_of
from filterbench.study.paths import wildcards_at

# Files that documents record beside their inputs, by key; `stem` is the document's name.
_RECORDED = {"correct": "{stem}.correct", "digest": "model.onnx"}


def changed_files(
    path: Path, kind: str, document: Document, root: Path, images: str, left_out: Counter[str]
) -> Iterator[Finding]:
    """Files that are no longer what a document was made from or with.

    Args:
        path: of the document.
        kind: of the document.
        document: any.
        root: the folder that holds `results/`.
        images: the study's data file.
        left_out: counts digests of files that are not there.
    """
    inputs = document.get("provenance", {}).get("inputs", {})
    places = {"images": root / images, **_places(path, kind, document.get("cell", {}), inputs, root)}
    recorded = {f"$.provenance.inputs.{name}": (places.get(name), digest) for name, digest in inputs.items()}
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


def _places(path: Path, kind: str, cell: Document, names: Iterable[str], root: Path) -> dict[str, Path]:
    """Where the inputs of a document lie, as far as this version knows them."""
    wildcards = wildcards_at(path.parent)
    pruner = cell.get("pruner", "")
    known = inputs_of(kind if pruner else path.stem, pruner, names)
    return {name: root / place.format(**wildcards) for name, place in known.items()}


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def wrong_counts(path: Path, document: Document, root: Path, left_out: Counter[str]) -> Iterator[Finding]:
    """Numbers of params in `count.json` that are not those of the weights."""
    nets = _places(path, "count", document["cell"], ("original", "compact"), root)
    for key, name in (("original", "original"), ("speedup", "compact")):
        file = nets[name]
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
