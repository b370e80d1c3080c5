"""Rule `judged_claims`: what papers report, judged against the study's curves."""

import logging
from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.claims import claims_about, judged, placed
from filterbench.analysis.curves import LARGEST_GAP
from filterbench.jobs.job import Job
from filterbench.storage.tables import read_table, write_table

logger = logging.getLogger(__name__)


def claims(job: Job) -> None:
    """Write one row per point, cost and curve.

    Raises:
        InputError: the table of points is faulty, or has no point of a model of the study.
    """
    path = Path(job.resources["claims"])
    tables = {Path(table).parent.name: as_curves(read_table(table)) for table in job.params["tables"]}
    points = claims_about(path, tables)
    found = [
        judged(placed(points, model, job.params["dataset"], table), table) for model, table in tables.items()
    ]
    table = pd.concat(found, ignore_index=True)
    if table.empty:
        logger.warning(
            "%s is empty: no curve has a cell at a reported point's factor, or neighbours at most %g times "
            "apart around it (docs/claims.md)",
            job.outputs["table"],
            LARGEST_GAP,
        )
    write_table(job.outputs["table"], table)
