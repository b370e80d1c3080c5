"""A folder's documents against the other files of the study, and against its images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from filterbench.data.loading import load_splits
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.making.evidence import ImageFacts, contradictions, facts_of
from filterbench.orchestration.plan import Plan
from filterbench.storage.errors import InputError
from filterbench.storage.files import once_while_same


def other_evidence(plan: Plan, folder: Path, documents: Documents, root: Path) -> Iterator[Finding]:
    """Numbers of a folder's documents that other files of the study contradict.

    Args:
        plan: of the study.
        folder: of a baseline or a cell.
        documents: the folder's, by name.
        root: the folder that holds `results/` and the data file.
    """
    for name, document in documents.items():
        path = folder / f"{name}.json"
        try:
            facts = _facts(plan, document, root)
            for fault in contradictions(document, facts, path.with_suffix(".correct"), folder / "search.csv"):
                yield Finding(path, fault.path, fault.reason)
        except InputError as reason:
            yield Finding(path, "", f"cannot be checked: {reason}")


def _facts(plan: Plan, document: Document, root: Path) -> ImageFacts | None:
    """What the study's data file says of a document's images; None where either has none."""
    file = root / plan.images
    if not file.exists() or not {"images", "normalisation"} & document.keys():
        return None
    cell = document["cell"]
    return _of_file(file, cell["protocol"], tuple(plan.limits_of(cell["seed"]).items()))


@once_while_same
def _of_file(file: Path, protocol: str, limits: tuple) -> ImageFacts:
    return facts_of(load_splits(file, protocol, dict(limits), torch.device("cpu")))
