"""Rule `merge`: results of one study from several machines, side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.merged_page import merged_page
from filterbench.analysis.merging import means, on_several
from filterbench.documents import write
from filterbench.integrity.protocols import differences, protocol_of, unlike_study
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.orchestration.verdict import verdict_on
from filterbench.plotting.saving import save_figure
from filterbench.plotting.side_by_side import draw_side_by_side
from filterbench.results.machines import MadeCell, made_cells, refuse_duplicates, table_by_machine
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest, write_text
from filterbench.storage.tables import write_table
from filterbench.study.cells import Config, variants
from filterbench.study.paths import MANIFEST
from filterbench.study.submitted import Submission, folders_named, submission_in

logger = logging.getLogger(__name__)


def merge(job: Job) -> None:
    """Check each folder, refuse what does not compare, and write table, figures and page.

    Raises:
        InputError: no folder is named; a folder has no finished cell or `validate` finds faults in it;
            settings differ between folders or from the configured study; or one machine made a cell twice.
    """
    configured = job.params["config"]
    named = folders_named(configured)
    if not named:
        raise InputError("from: no folder is named; name them with --config from=FOLDER,FOLDER")
    submissions = [submission_in(folder, configured) for folder in named]
    verdicts = {each.folder: verdict_on(each) for each in submissions}
    _refuse_unlike(submissions, configured)
    made = {each.folder: made_cells(each) for each in submissions}
    for folder, finished in made.items():
        if not finished:
            raise InputError(
                f"{folder}: has no finished cell (result.json) of its study; leave it out, or run it further"
            )
    cells = [cell for own in made.values() for cell in own]
    refuse_duplicates(cells)
    table = table_by_machine(cells)
    folder = Path("results/merged") / configured["study"]
    document = {
        "study": configured["study"],
        "folders": [_folder(each, verdicts[each.folder], made[each.folder]) for each in submissions],
        "on_several": on_several(table),
        "means": means(table),
    }
    write(folder / "merged.json", document)
    write_table(folder / "merged.csv", table)
    write_text(folder / "merged.md", merged_page(document))
    for model, own in table.groupby("model", sort=False):
        _draw(str(model), own, folder)
    logger.info("written: %s; %d cells of %d folders", folder, len(table), len(submissions))


def _refuse_unlike(submissions: Sequence[Submission], configured: Config) -> None:
    found = [line for each in submissions for line in unlike_study(configured, each.config, str(each.folder))]
    protocols = {str(each.folder): protocol_of(each.results, variants(each.config)) for each in submissions}
    if found := [*found, *differences(protocols)]:
        for line in found:
            logger.error("%s", line)
        raise InputError(f"{len(found)} settings differ, as listed above; such results do not compare")


def _folder(submission: Submission, verdict: Mapping[str, Any], made: Sequence[MadeCell]) -> dict[str, Any]:
    return {
        "folder": str(submission.folder),
        "study": submission.config["study"],
        "manifest": file_digest(submission.results / MANIFEST),
        "cells": len(made),
        "missing": verdict["cells"]["missing"],
        "machines": list(dict.fromkeys(each.machine for each in made)),
        "versions": list(dict.fromkeys(each.versions for each in made)),
        "unchecked": verdict["unchecked"],
    }


def _draw(model: str, table: pd.DataFrame, folder: Path) -> None:
    """A panel per machine; a machine without a feasible cell has none."""
    curves = as_curves(table)
    feasible = curves[curves["infeasible"].isna()]
    panels = {str(machine): own for machine, own in feasible.groupby("machine", sort=False)}
    if panels:
        label = MODELS[model].label if model in MODELS else model
        title = f"{label}: study {folder.name}, one panel per machine, means over its seeds"
        save_figure(draw_side_by_side(panels, title), folder / f"merged_{model}.png")
