"""Rule `recommend`: which pruner to take for an allowed loss of accuracy, from the finished cells."""

from __future__ import annotations

import logging

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.recommending import LEGEND, known_costs, leader, recommendations
from filterbench.integrity.finished import tables_so_far
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.orchestration.plan import Plan
from filterbench.pruners.registry import controls
from filterbench.results.tables import with_latencies

logger = logging.getLogger(__name__)


def recommend(job: Job) -> None:
    """Log one table per model and cost, and whether the seeds decide who is ahead.

    Raises:
        InputError: no cell has been made yet.
    """
    plan, drop = Plan(job.params["config"]), job.params["drop"]
    for model, table in tables_so_far(plan).items():
        cells = as_curves(with_latencies(plan, model, table))
        candidates = cells[~table["pruner"].isin(controls())]
        for cost, words in known_costs(candidates).items():
            heading = f"{MODELS[model].label}, at most {drop:g} points below the unpruned net, times {words}"
            found = recommendations(candidates, cost, drop)
            if found.empty:
                logger.info("%s: no pruner has such a net", heading)
                continue
            text = found.to_string(
                index=False,
                float_format=lambda value: f"{value:.2f}",
                formatters={"count": lambda value: f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"},
                na_rep="",
            )
            logger.info("%s: %s\n%s", heading, leader(candidates, cost, drop, found), text)
    logger.info(LEGEND)
