"""Rule `cost`: what a study will take, before any of it runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import pandas as pd

from filterbench.data.loading import load_splits
from filterbench.forecasting.expected import Work, expected_work
from filterbench.forecasting.speed import Speed, speeds
from filterbench.jobs.job import Job
from filterbench.making.environment import choose_device, make_deterministic
from filterbench.orchestration.plan import Plan

logger = logging.getLogger(__name__)


def cost(job: Job) -> None:
    """Log a table of jobs, images, hours and disk by stage and pruner, for this machine."""
    plan = Plan(job.params["config"])
    device = choose_device(job.params["device"])
    make_deterministic(0, 1, device)
    splits = load_splits(
        job.inputs["images"], plan.config["protocol"], plan.limits_of(plan.config["seeds"][0]), device
    )
    works = list(expected_work(plan.config, splits))
    table = cost_table(works, speeds(plan.config, splits))
    logger.info("\n%s", table.to_string(float_format=lambda value: f"{value:.2f}"))
    hours, cores = table["hours"].sum(), job.params["cores"]
    logger.info(
        "%d cells, %d jobs with nets, %.2f GB of weights; about %.2f hours of one core on this machine, "
        "%.2f with all %d, if nothing else runs and searches take their minimum of candidates",
        len(plan.cells),
        table["jobs"].sum(),
        table["GB"].sum(),
        hours,
        hours / cores,
        cores,
    )


def cost_table(works: Iterable[Work], measured: Mapping[str, Speed]) -> pd.DataFrame:
    """One row for each stage and pruner: jobs, images trained and evaluated, hours, GB.

    Args:
        works: of the study.
        measured: how fast this machine is, by model.
    """
    rows = [
        {
            "stage": work.stage,
            "pruner": work.pruner,
            "jobs": work.jobs,
            "images trained": work.trained,
            "images evaluated": work.evaluated + work.taught,
            "hours": measured[work.model].seconds(work) / 3600,
            "GB": work.bytes / 1e9,
        }
        for work in works
    ]
    return pd.DataFrame(rows).groupby(["stage", "pruner"], sort=False).sum()
