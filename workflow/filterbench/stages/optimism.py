"""Rule `optimism_gap`: the same cells under both protocols."""

import logging

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.optimism import optimism as optimism_table
from filterbench.jobs.job import Job
from filterbench.plotting.optimism import draw_optimism
from filterbench.plotting.saving import save_kinds
from filterbench.results.titles import model_title
from filterbench.storage.tables import read_table, write_table

logger = logging.getLogger(__name__)


def optimism(job: Job) -> None:
    """Write the table of the gaps, and draw it."""
    table = optimism_table(
        *(as_curves(read_table(job.params["protocols"][protocol])) for protocol in ("validation", "test"))
    )
    logger.info("mean gap of all cells: %+.2f points", table["mean"].mean())
    write_table(job.outputs["table"], table)
    save_kinds(draw_optimism(table, model_title(job.params)), job.outputs)
