"""Rule `ranking`: pruners under the same budgets in order of accuracy."""

import logging

import pandas as pd

from filterbench.analysis.ranking import rankings
from filterbench.analysis.ranking_document import ranking_document, ranking_table
from filterbench.analysis.ranking_page import ranking_page
from filterbench.analysis.seeds import MIN_UNITS
from filterbench.documents import write
from filterbench.jobs.job import Job
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text
from filterbench.storage.tables import read_table, write_table

logger = logging.getLogger(__name__)


def ranking(job: Job) -> None:
    """Write the rankings of a study as document, table and page.

    Raises:
        InputError: the study has no cells under budgets.
    """
    source = job.params["source"]
    table = pd.concat([read_table(path) for path in job.params["tables"]], ignore_index=True)
    under_budgets = list(rankings(table, job.params["variants"]))
    if not under_budgets:
        raise InputError(f"{source}: nothing to rank; it needs `budgets`, and pruners that support them")
    found = [each for each in under_budgets if len(each.competitors) > 1]
    if len(found) < len(under_budgets):
        logger.warning("%s: budgets are not ranked that fewer than two pruners meet everywhere", source)
    if any(each.seeds < MIN_UNITS for each in found):
        logger.warning("%s: no intervals, as these need %d seeds", source, MIN_UNITS)
    document = ranking_document(source, found)
    write(job.outputs["document"], document)
    write_table(job.outputs["table"], ranking_table(document))
    write_text(job.outputs["page"], ranking_page(document))
