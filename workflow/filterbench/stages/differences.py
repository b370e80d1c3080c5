"""Rule `differences`: every pruner against every other, at equal budget and image by image."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.curves import LARGEST_GAP
from filterbench.analysis.differences import differences as paired_differences
from filterbench.analysis.mcnemar import mcnemar
from filterbench.domain.targets import parse_target
from filterbench.jobs.job import Job
from filterbench.storage.correctness import read_correct
from filterbench.storage.tables import read_table, write_table
from filterbench.study.paths import cell_at

logger = logging.getLogger(__name__)


def differences(job: Job) -> None:
    """Put the paired differences of all models into one table, and McNemar's tests into another.

    Raises:
        InputError: a cell's list of right images is missing, or of another number of images.
    """
    tables = [read_table(path) for path in job.params["tables"]]
    found = paired_differences(pd.concat([as_curves(table) for table in tables], ignore_index=True))
    if found.empty:
        logger.warning(
            "%s is empty: no two pruners of a model have, with every seed, cells at the same factor or "
            "neighbours at most %g times apart around it (docs/verdicts.md)",
            job.outputs["table"],
            LARGEST_GAP,
        )
    write_table(job.outputs["table"], found)
    images = {key: number for table in tables for key, number in _test_images(table).items()}
    write_table(job.outputs["images"], mcnemar(_correct(job.params["cells"], images)))


def _test_images(table: pd.DataFrame) -> dict[tuple[str, int, str, str], int]:
    """The number of test images of each feasible cell, by model, seed, target and pruner."""
    cells = table[table["infeasible"].isna()]
    targets = [str(parse_target(str(target))) for target in cells.get("target", cells["sparsity"])]
    keys = zip(cells["model"], cells["seed"], targets, cells["pruner"], strict=True)
    return dict(zip(keys, cells["test_images"].astype(int), strict=True))


def _correct(
    folders: list[str], images: dict[tuple[str, int, str, str], int]
) -> dict[tuple[str, int, str, str], np.ndarray]:
    """Which images each feasible cell classifies correctly."""
    found = {}
    for folder in folders:
        _, cell = cell_at(folder)
        key = (cell.model, cell.seed, str(cell.target), cell.pruner)
        if key in images:
            found[key] = read_correct(Path(folder) / "finetune.correct", images[key])
    return found
