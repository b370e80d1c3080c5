"""Rule `latency_verdicts`: what a search is worth at equal latency."""

from __future__ import annotations

import logging

import pandas as pd

from filterbench.analysis.budgets import sparsity_cells
from filterbench.analysis.equal_training import equal_latency_verdict
from filterbench.analysis.report import verdicts_page
from filterbench.analysis.verdicts import definitions
from filterbench.documents import write
from filterbench.running.job import Job
from filterbench.storage.files import write_text

logger = logging.getLogger(__name__)

CELL = ["model", "pruner", "seed", "sparsity"]
TIMES = ["latency_original", "latency_speedup"]


def latency_verdicts(job: Job) -> None:
    """Judge from the cells' accuracies and the measured latencies of their shapes."""
    cells, times = (_together(job.params[name]) for name in ("tables", "latencies"))
    table = cells.merge(times[[*CELL, *TIMES]], on=CELL)
    verdict = equal_latency_verdict(table)
    assert verdict, "shape latencies are those of searching pruners and their controls"
    logger.info("%s: %s", verdict.key, verdict.verdict)
    document = {
        "source": job.params["source"],
        "definitions": definitions(),
        "verdicts": [verdict.document()],
    }
    write(job.outputs["document"], document)
    write_text(job.outputs["page"], verdicts_page(document))


def _together(paths: list[str]) -> pd.DataFrame:
    return pd.concat([sparsity_cells(pd.read_csv(path)) for path in paths], ignore_index=True)
