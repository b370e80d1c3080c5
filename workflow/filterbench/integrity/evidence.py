"""Documents against what else is kept of the computation that they describe: images, answers, searches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch

from filterbench.data.loading import load_splits
from filterbench.documents.search_table import read_search
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.orchestration.plan import Plan
from filterbench.pruners.search.scores import summarise_scores
from filterbench.storage.correctness import read_correct
from filterbench.storage.errors import InputError


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
            if (root / plan.images).exists():
                yield from _images(plan, path, document, root)
            if "correct" in document:
                yield from _accuracy(path, document)
            if "scores" in document and (folder / "search.csv").exists():
                yield from _scores(path, document)
        except InputError as reason:
            yield Finding(path, "", f"cannot be checked: {reason}")


def _images(plan: Plan, path: Path, document: Document, root: Path) -> Iterator[Finding]:
    """Numbers of images, and normalisations, that are not those of the study's data file."""
    if not {"images", "normalisation"} & document.keys():
        return
    file, cell = root / plan.images, document["cell"]
    limits = tuple(plan.limits_of(cell["seed"]).items())
    status = file.stat()
    counts, normalisation, chance = _of_file(
        file, status.st_size, status.st_mtime_ns, cell["protocol"], limits
    )
    yield from _differing(path, "images", document.get("images", counts), counts)
    yield from _differing(path, "normalisation", document.get("normalisation", normalisation), normalisation)
    if "scores" in document and document["scores"]["chance"] != chance:
        yield Finding(
            path, "$.scores.chance", f"{document['scores']['chance']}, but the images give {chance}"
        )


@cache
def _of_file(
    file: Path, size: int, modified: int, protocol: str, limits: tuple
) -> tuple[Document, Document, float]:
    """What documents say of the images of a data file, and what chance scores on the selection images."""
    splits = load_splits(file, protocol, dict(limits), torch.device("cpu"))
    test = splits.test
    normalisation = {"mean": test.mean.flatten().tolist(), "std": test.std.flatten().tolist()}
    return dict(splits.document()), normalisation, splits.selection.chance()


def _accuracy(path: Path, document: Document) -> Iterator[Finding]:
    """An accuracy that is not the share of the images that the net is said to get right."""
    file, images = path.with_suffix(".correct"), document["images"]["test"]
    if not file.is_file():
        return
    right = int(read_correct(file, images).sum())
    for key, accuracy in document["performance"].items():
        if round(accuracy * images) != right:
            reason = f"{accuracy}, but {file.name} has {right} of {images} images right"
            yield Finding(path, f"$.performance.{key}", reason)


def _scores(path: Path, document: Document) -> Iterator[Finding]:
    """Scores that are not those of the search's table."""
    table = path.with_name("search.csv")
    try:
        steps = read_search(table)
        expected = summarise_scores(steps, document["scores"]["chance"], document["images"]["selection"])
    except (ValueError, TypeError, KeyError) as reason:
        yield Finding(table, "", f"not a search's table ({reason!r})")
        return
    yield from _differing(path, "scores", document["scores"], dict(expected))


def _differing(path: Path, at: str, found: Document, expected: Document) -> Iterator[Finding]:
    for key in {**expected, **found}:
        if found.get(key) != expected.get(key):
            reason = f"{found.get(key)}, but its evidence gives {expected.get(key)}"
            yield Finding(path, f"$.{at}.{key}", reason)
