"""Rule `claims`: what papers report, judged against the study's curves."""

from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.claims import claims_about, judged, placed
from filterbench.jobs.job import Job
from filterbench.storage.tables import write_table


def claims(job: Job) -> None:
    """Write one row per point, cost and curve.

    Raises:
        InputError: the table of points is faulty, or has no point of a model of the study.
    """
    path = Path(job.resources["claims"])
    tables = {Path(table).parent.name: as_curves(pd.read_csv(table)) for table in job.params["tables"]}
    points = claims_about(path, tables)
    found = [
        judged(placed(points, model, job.params["dataset"], table), table) for model, table in tables.items()
    ]
    write_table(job.outputs["table"], pd.concat(found, ignore_index=True))
