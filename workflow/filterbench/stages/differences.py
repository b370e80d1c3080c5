"""Rule `differences`: every pruner against every other at equal budget."""

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.differences import differences
from filterbench.jobs import Job
from filterbench.tables import write_table


def write_differences(job: Job) -> None:
    """Put the paired differences of all models into one table."""
    cells = pd.concat([as_curves(pd.read_csv(path)) for path in job.params["tables"]], ignore_index=True)
    write_table(job.outputs["table"], differences(cells))
