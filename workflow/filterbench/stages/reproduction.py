"""Rule `reproduction`: a study's cells beside the published ones."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.analysis.report import ReproductionDocument, reproduction_page
from filterbench.analysis.reproduction import (
    ACCURACY_TOLERANCE,
    COUNT_TOLERANCE,
    METRICS,
    compare_with_published,
    summary,
)
from filterbench.documents import read, write
from filterbench.documents.types import CountDocument, TrainedDocument
from filterbench.jobs.job import Job
from filterbench.storage.files import write_text

logger = logging.getLogger(__name__)


def reproduction(job: Job) -> None:
    """Compare the cells that have been made so far; the others are `not run`."""
    cells = []
    for model, folders in job.params["published_cells"].items():
        rows = [_row(Path(folder), job.params["published"]) for folder in folders]
        made = pd.DataFrame(
            [row for row in rows if row], columns=["pruner", "sparsity", "infeasible", *METRICS.values()]
        )
        cells += compare_with_published(model, made)
    document: ReproductionDocument = {
        "study": job.params["study"],
        "tolerance": {"count_percent": COUNT_TOLERANCE, "accuracy_points": ACCURACY_TOLERANCE},
        "summary": summary(cells),
        "cells": cells,
    }
    for row in document["summary"]:
        logger.info(", ".join(f"{key}: {value}" for key, value in row.items()))
    write(job.outputs["document"], document)
    write_text(job.outputs["page"], reproduction_page(document))


def _row(cell: Path, with_accuracy: bool) -> dict[str, Any] | None:
    """What a cell's documents say, if its counts are there; an accuracy counts only where it compares."""
    if not (cell / "count.json").exists():
        return None
    count = read(cell / "count.json", CountDocument)
    # No published cell has a budget.
    if "sparsity" not in count["cell"]:
        return None
    row = {name: count["cell"][name] for name in ("pruner", "sparsity")}
    if "infeasible" in count:
        return row | {"infeasible": count["infeasible"]}
    row |= {"params_compact": count["params"]["speedup"], "flops_compact": count["flops"]["speedup"]}
    if with_accuracy and (cell / "finetune.json").exists():
        finetune = read(cell / "finetune.json", TrainedDocument)
        row["performance_finetuned"] = finetune["performance"]["finetuned"]
    return row
