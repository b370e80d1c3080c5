"""Rule `differences`: every pruner against every other at equal budget."""

import pandas as pd

from filterbench.analysis.differences import differences
from filterbench.files import write_text
from filterbench.jobs import Job


def write_differences(job: Job) -> None:
    """Put the paired differences of all models into one table."""
    cells = pd.concat([pd.read_csv(path) for path in job.params["tables"]], ignore_index=True)
    write_text(job.outputs["table"], differences(cells).to_csv(index=False, lineterminator="\n"))
