"""Rule `verdicts`: what cells say about the published conclusions."""

import logging

import pandas as pd

from filterbench.analysis.budgets import sparsity_cells
from filterbench.analysis.published import published_cells
from filterbench.analysis.published_tables import published_names
from filterbench.analysis.report import verdicts_page
from filterbench.analysis.verdicts import verdicts_document
from filterbench.documents import write
from filterbench.jobs.job import Job
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text
from filterbench.storage.tables import read_table
from filterbench.study.imports import LAYOUT

logger = logging.getLogger(__name__)


def verdicts(job: Job) -> None:
    """Judge the conclusions from tables or, where the job names none, from the published cells.

    Raises:
        InputError: an imported folder has no results.
    """
    paths = job.params["tables"]
    if paths is None:
        tables = [published_cells(model) for model in published_names("model")]
    elif paths:
        tables = [sparsity_cells(read_table(path)) for path in paths]
    else:
        raise InputError(
            f"{job.params['source']}: nothing to judge; name a folder: --config nni_results=..., "
            f"with {LAYOUT}"
        )
    document = verdicts_document(job.params["source"], pd.concat(tables, ignore_index=True))
    for verdict in document["verdicts"]:
        logger.info("%s: %s", verdict["key"], verdict["verdict"])
    write(job.outputs["document"], document)
    write_text(job.outputs["page"], verdicts_page(document))
