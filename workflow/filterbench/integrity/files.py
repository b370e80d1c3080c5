"""Recorded digests against the files that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from filterbench.integrity.findings import Document, Finding
from filterbench.storage.files import known_digest
from filterbench.study.cells import sparse_name
from filterbench.study.inputs import inputs_needed, inputs_of
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
    if "provenance" not in document:
        return
    inputs, pruner = document["provenance"]["inputs"], document["cell"].get("pruner", "")
    training = document.get("training", {}).get("settings", {})
    for name in sorted(inputs_needed(kind if pruner else path.stem, pruner, training) - inputs.keys()):
        yield Finding(path, f"$.provenance.inputs.{name}", "missing: no such document is made without it")
    places = {"images": root / images, **places_of(path, kind, document["cell"], inputs, root)}
    recorded = {f"$.provenance.inputs.{name}": (places.get(name), digest) for name, digest in inputs.items()}
    for key, name in _RECORDED.items():
        if key in document:
            recorded[f"$.{key}"] = (path.with_name(name.format(stem=path.stem)), document[key])
    for place, (file, digest) in recorded.items():
        if file is None:
            yield Finding(path, place, "no document of this kind has such an input")
        elif not file.exists():
            left_out["digests of files that are not there"] += 1
        elif known_digest(file) != digest:
            yield Finding(path, place, f"another digest than that of {file}")


def places_of(path: Path, kind: str, cell: Document, names: Iterable[str], root: Path) -> dict[str, Path]:
    """Where the inputs of a document lie, as far as this version knows them."""
    wildcards = wildcards_at(path.parent)
    pruner = cell.get("pruner", "")
    sparse = sparse_name(cell.get("sparse_training", {}))
    known = inputs_of(kind if pruner else path.stem, pruner, names, sparse)
    return {name: root / place.format(**wildcards) for name, place in known.items()}
