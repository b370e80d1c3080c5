"""What the files of nets say of themselves, against the documents beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filterbench.compaction.portable import NetRecord, read_record
from filterbench.domain.targets import target_of
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.integrity.nets import counts_of, image_size_of
from filterbench.storage.errors import InputError
from filterbench.study.paths import baseline_folder

# What all nets of a seed have in common.
COMMON = ("classes", "normalisation")


def other_records(folder: Path, documents: Documents) -> Iterator[Finding]:
    """Files of trained nets that say something else than their documents.

    Args:
        folder: of a baseline or a cell.
        documents: the folder's, by name.
    """
    for name, document in documents.items():
        file = folder / ("model.safetensors" if name == "baseline" else f"{name}.safetensors")
        if "training" not in document or not file.exists():
            continue
        try:
            found, expected = dict(read_record(file)), dict(_expected(file, document))
        except InputError as reason:
            yield Finding(file, "", str(reason).removeprefix(f"{file}: "))
            continue
        for key in sorted({**found, **expected}.keys() - {"version"}):
            if found.get(key) != expected.get(key):
                others = f"{name}.json, its weights and its baseline give {expected.get(key)}"
                yield Finding(file, "", f"says that its {key} is {found.get(key)}, but {others}")


def _expected(file: Path, document: Document) -> Mapping[str, Any]:
    """The record of a net as other files have it, but for the version."""
    cell, counts = document["cell"], counts_of(file, document)
    expected = {
        **{key: cell[key] for key in ("dataset", "protocol", "model", "width", "seed")},
        "image_size": image_size_of(document),
        "params": counts["params"],
        "flops": counts["flops"],
        "accuracy": next(iter(document["performance"].values())),
        **{key: document[key] for key in ("top5",) if key in document},
    }
    if "pruner" in cell:
        expected |= {"pruner": cell["pruner"], "target": str(target_of(cell))}
    return {**expected, **_common(file, document)}


def _common(file: Path, document: Document) -> Mapping[str, Any]:
    """What the baseline's file, and a baseline's own document, have in common with a file."""
    folder = file.parent if file.parent.name == "baseline" else baseline_folder(file.parent)
    baseline = folder / "model.safetensors"
    record: NetRecord = read_record(baseline if baseline.exists() else file)
    common = {key: value for key, value in record.items() if key in COMMON}
    return common | {key: document[key] for key in COMMON if key in document}
