"""Rule `latency_verdicts`: what a search is worth at equal latency."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import sparsity_cells
from filterbench.analysis.equal_training import equal_latency_verdicts
from filterbench.analysis.report import verdicts_page
from filterbench.analysis.verdicts import VerdictsDocument, definitions
from filterbench.documents import write
from filterbench.jobs.job import Job
from filterbench.results.shapes import TIMES
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text
from filterbench.storage.tables import read_table

logger = logging.getLogger(__name__)

CELL = ["model", "pruner", "seed", "sparsity"]


def latency_verdicts(job: Job) -> None:
    """Judge from the cells' accuracies and the measured latencies of their shapes.

    Raises:
        InputError: a table is missing or describes other nets, or no searching pruner has its control.
    """
    paths = [path for name in ("tables", "latencies") for path in job.params[name]]
    if missing := [path for path in paths if not Path(path).exists()]:
        raise InputError(f"{missing[0]}: missing; run the study first: snakemake --cores all")
    cells, times = (_together(job.params[name]) for name in ("tables", "latencies"))
    table = cells.merge(times[[*CELL, *TIMES, "params_compact"]], on=CELL, suffixes=("", "_timed"))
    other = table[table["infeasible"].isna() & (table["params_compact"] != table["params_compact_timed"])]
    if len(other):
        raise InputError(
            f"{job.params['latencies'][0]}: {len(other)} cells have changed since their nets were timed; "
            "remove the table to have them timed again"
        )
    found = equal_latency_verdicts(table)
    if not found:
        raise InputError(f"{job.params['source']}: none of the searching pruners has its uniform control")
    for verdict in found:
        logger.info("%s: %s", verdict.key, verdict.verdict)
    document: VerdictsDocument = {
        "source": job.params["source"],
        "definitions": definitions(),
        "verdicts": [verdict.document() for verdict in found],
    }
    write(job.outputs["document"], document)
    write_text(job.outputs["page"], verdicts_page(document))


def _together(paths: list[str]) -> pd.DataFrame:
    return pd.concat([sparsity_cells(read_table(path)) for path in paths], ignore_index=True)
