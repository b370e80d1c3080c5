"""The finished cells of a study that may still be at work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from filterbench.documents import read
from filterbench.integrity.findings import Document, Finding
from filterbench.integrity.places import misplaced
from filterbench.integrity.settings import other_settings
from filterbench.orchestration.plan import Plan
from filterbench.results.tables import cells_table
from filterbench.storage.errors import InputError
from filterbench.study.cells import baseline_documents
from filterbench.study.paths import baseline_folder

logger = logging.getLogger(__name__)


def tables_so_far(plan: Plan) -> dict[str, pd.DataFrame]:
    """By model, the table of its finished cells; a model without any is left out.

    A cell is finished if it has all its documents, including those of its baseline. Those that were made with
    other settings than the study's are left out, and counted in the log.

    Raises:
        InputError: no cell is finished, or all were made with other settings.
    """
    finished = [cell for cell in map(Path, plan.cells) if not _lacking(plan, cell)]
    if not finished:
        nearest = min((_lacking(plan, Path(cell)) for cell in plan.cells), key=len)
        raise InputError(
            f"study {plan.study}: none of its {len(plan.cells)} cells is finished; "
            f"the most complete one lacks {nearest[0]}"
            + (f" and {len(nearest) - 1} more" if nearest[1:] else "")
            + "; to make cells: snakemake --cores all results, with the same study"
        )
    known = cache(read)
    first = {cell: next(_otherwise(plan, cell, known), None) for cell in finished}
    if stale := [finding for finding in first.values() if finding]:
        said = (
            f"study {plan.study}: {len(stale)} of {len(finished)} finished cells are left out, made with "
            f"other settings ({stale[0]}); to make them again: snakemake --cores all results"
        )
        if len(stale) == len(finished):
            raise InputError(said)
        logger.warning("%s", said)
    current = {cell for cell, finding in first.items() if not finding}
    found = {
        model: [cell for cell in map(Path, plan.cells_of(model)) if cell in current]
        for model in plan.config["models"]
    }
    unpruned = plan.config.get("finetune_unpruned", False)
    return {model: cells_table(cells, plan.again, unpruned) for model, cells in found.items() if cells}


def _lacking(plan: Plan, cell: Path) -> list[Path]:
    """The missing documents of a cell and its baseline."""
    return [path for path in _documents(plan, cell) if not path.exists()]


def _documents(plan: Plan, cell: Path) -> list[Path]:
    """The documents of a cell and its baseline."""
    baseline = [baseline_folder(cell) / f"{name}.json" for name in baseline_documents(plan.config)]
    return [*map(Path, plan.documents([cell])), *baseline]


def _otherwise(plan: Plan, cell: Path, known: Callable[[Path], Document]) -> Iterator[Finding]:
    """What the documents of a cell, and of the nets that it begins with, say otherwise than the study."""
    sparse = [folder / "sparse.json" for folder in plan.sparse_folders(cell)]
    documents = {path: known(path) for path in (*sparse, *_documents(plan, cell)) if path.exists()}
    yield from misplaced(plan, plan.study, documents)
    for folder in dict.fromkeys(path.parent for path in documents):
        own = {path.stem: document for path, document in documents.items() if path.parent == folder}
        yield from other_settings(plan, folder, own)
