"""Rule `leads`: what leads over uniform nets are made of, and the answers to the study's plan."""

import logging
from pathlib import Path

import pandas as pd

from filterbench.analysis.leads_document import leads_document, leads_table
from filterbench.analysis.leads_page import leads_page
from filterbench.analysis.questions import read_questions
from filterbench.documents import write
from filterbench.jobs.job import Job
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text
from filterbench.storage.tables import read_table, write_table

logger = logging.getLogger(__name__)


def leads(job: Job) -> None:
    """Write the components of all leads as document, table and page.

    Raises:
        InputError: the study has no training budgets or no uniform control, or its plan is faulty.
    """
    source, plan = job.params["source"], job.resources["plan"]
    tables = [read_table(path) for path in job.params["tables"]]
    questions = read_questions(Path(plan)) if plan else []
    document = leads_document(source, pd.concat(tables, ignore_index=True), questions)
    if not document["budgets"] or not document["pairs"]:
        raise InputError(
            f"{source}: no lead to take apart; it needs `training_budgets` and, beside a pruner X, the "
            "control UniformAsX"
        )
    for answer in document["answers"]:
        logger.info("%s: %s", answer["key"], answer["answer"])
    write(job.outputs["document"], document)
    write_table(job.outputs["table"], leads_table(document))
    write_text(job.outputs["page"], leads_page(document))
