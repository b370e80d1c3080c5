"""Rule `verdicts`: what cells say about the published conclusions."""

import logging

import pandas as pd

from filterbench.analysis.published import published_cells, published_models
from filterbench.analysis.report import verdicts_page
from filterbench.analysis.verdicts import definitions, verdicts
from filterbench.documents import write
from filterbench.files import write_text
from filterbench.jobs import Job

logger = logging.getLogger(__name__)


def write_verdicts(job: Job) -> None:
    """Judge the conclusions from a study's tables or, where the job has none, from the published cells."""
    tables = [pd.read_csv(path) for path in job.params["tables"]]
    if not tables:
        tables = [published_cells(model) for model in published_models()]
    found = verdicts(pd.concat(tables, ignore_index=True))
    for verdict in found:
        logger.info("%s: %s", verdict.key, verdict.verdict)
    document = {
        "source": job.params["source"],
        "definitions": definitions(),
        "verdicts": [verdict.document() for verdict in found],
    }
    write(job.outputs["document"], document)
    write_text(job.outputs["page"], verdicts_page(document))
