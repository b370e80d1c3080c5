"""Rule `so_far`: table, figure, verdicts and page of the cells that have been made."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves, sparsity_cells
from filterbench.analysis.published import claims_by_model, published_cells
from filterbench.analysis.report import verdicts_page
from filterbench.analysis.verdicts import verdicts_document
from filterbench.data.registry import DATASETS
from filterbench.integrity.finished import tables_so_far
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.orchestration.plan import Plan
from filterbench.page.page import page
from filterbench.plotting.comparison import draw_comparison, study_title
from filterbench.plotting.saving import save_figure
from filterbench.pruners.registry import controls
from filterbench.results.failures import summary
from filterbench.results.tables import with_latencies
from filterbench.storage.files import remove, write_text
from filterbench.storage.tables import write_table

logger = logging.getLogger(__name__)


def so_far(job: Job) -> None:
    """Write them into the study's folder `so-far`, and log what is missing and what failed.

    Raises:
        InputError: no cell has been made yet.
    """
    plan = Plan(job.params["config"])
    for line in summary(plan):
        logger.info("%s", line)
    tables = tables_so_far(plan)
    folder = Path("results") / plan.study / "so-far"
    dataset = plan.config["dataset"]["name"]
    label = DATASETS[dataset].label
    made = f"{sum(map(len, tables.values()))} of {len(plan.cells)} cells so far"
    _clear(folder)
    for model, table in tables.items():
        write_table(folder / f"{model}.csv", table)
    cells = sparsity_cells(pd.concat(tables.values(), ignore_index=True))
    document = verdicts_document(f"study {plan.study}, {made}", cells)
    feasible = {model: table for model, table in tables.items() if table["infeasible"].isna().any()}
    claims = claims_by_model(plan.comparable, plan.claims, dataset, feasible)
    for model, table in feasible.items():
        heading = study_title(table, MODELS[model].label, label)
        figure = draw_comparison(as_curves(table), f"{heading}\n{made}", claims=claims.get(model))
        save_figure(figure, folder / f"performance_comparison_{model}.png")
    if feasible:
        title = f"Filter pruners compared on {label}: study {plan.study}, {made}"
        others = (
            {model: {"published": published_cells(model)} for model in feasible} if plan.comparable else {}
        )
        text = page(
            plan.study,
            title,
            {model: with_latencies(plan, model, table) for model, table in feasible.items()},
            verdicts=document,
            others=others,
            claims=claims,
            controls=controls(),
        )
        write_text(folder / "page.html", text)
    write_text(folder / "verdicts.md", verdicts_page(document))
    logger.info("written: %s; to check the cells: snakemake --cores 1 validate --config partial=true", folder)


def _clear(folder: Path) -> None:
    """Remove what an earlier run wrote, also of models that the study no longer has."""
    for name in ("*.csv", "performance_comparison_*.png", "page.html", "verdicts.md"):
        for path in folder.glob(name):
            remove(path)
