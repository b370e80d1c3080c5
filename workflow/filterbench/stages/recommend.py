"""Rule `recommend`: which pruner to take for an allowed loss of accuracy, from the cells that are there."""

from __future__ import annotations

import logging

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.recommending import leader, recommendations
from filterbench.models.registry import MODELS
from filterbench.pruners.registry import controls
from filterbench.running.job import Job
from filterbench.study.plan import Plan
from filterbench.study.tables import tables_so_far

logger = logging.getLogger(__name__)

COSTS = {
    "params": "fewer params",
    "flops": "fewer FLOPs",
    "relative_torch_single": "faster for one image in torch",
    "relative_onnxruntime_single": "faster for one image in onnxruntime",
}
LATENCIES = [cost for cost in COSTS if cost.startswith("relative")]


def recommend(job: Job) -> None:
    """Log a table for each model and cost, and whether the seeds tell who is ahead.

    Raises:
        InputError: no cell is made yet.
    """
    plan, drop = Plan(job.params["config"]), job.params["drop"]
    for model, table in tables_so_far(plan).items():
        cells = as_curves(_with_latency(plan, model, table))
        candidates = cells[~table["pruner"].isin(controls())]
        for cost, words in COSTS.items():
            if f"{cost}_speedup" not in candidates:
                continue
            heading = f"{MODELS[model].label}, at most {drop:g} points below the unpruned net, times {words}"
            found = recommendations(candidates, cost, drop)
            if found.empty:
                logger.info("%s: no pruner has such a net", heading)
                continue
            text = found.to_string(index=False, float_format=lambda value: f"{value:.2f}")
            logger.info("%s: %s\n%s", heading, leader(candidates, cost, drop, found), text)


def _with_latency(plan: Plan, model: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the cells' measured latencies, where all of them were measured."""
    path = plan.latency_csv(model)
    keys = ["pruner", "seed", "target" if "target" in table else "sparsity"]
    measured = pd.read_csv(path) if path.exists() else pd.DataFrame()
    costs = [cost for cost in LATENCIES if {*keys, f"{cost}_speedup"} <= set(measured)]
    if not costs:
        return table
    columns = [f"{cost}_speedup" for cost in costs]
    found = table.merge(measured[[*keys, *columns]], on=keys, how="left")
    if found.loc[found["infeasible"].isna(), columns].isna().any(axis=None):
        logger.info("%s: not of all cells that are there; left out", path)
        return table
    return found.assign(**{f"{cost}_original": 1.0 for cost in costs})
