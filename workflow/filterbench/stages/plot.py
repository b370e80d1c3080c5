"""Rule `plot`: the figure of a model."""

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.claims import placed
from filterbench.analysis.equal_training import at_equal_training
from filterbench.analysis.published import claims_beside, published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.jobs.job import Job
from filterbench.plotting.comparison import draw_comparison, draw_cost, study_title
from filterbench.plotting.equal_training import draw_training
from filterbench.plotting.saving import save_kinds
from filterbench.plotting.side_by_side import draw_side_by_side
from filterbench.results.titles import labels, shown
from filterbench.storage.tables import read_table


def plot(job: Job) -> None:
    """Draw the comparison table as PNG, SVG and PDF; the same table gives the same bytes."""
    table = as_curves(read_table(job.inputs["table"]))
    title = shown(study_title(table, *labels(job.params)), job.params)
    if job.params["figure"] == "accuracy_against_cost":
        figure = draw_cost(table, title)
    elif job.params["figure"] == "equal_training":
        equal = with_statistics(at_equal_training(table))
        figure = draw_side_by_side({"as published": table, "at equal training": equal}, title)
    elif job.params["figure"] == "accuracy_against_training":
        figure = draw_training(table, title)
    else:
        figure = draw_comparison(table, title, _others(job), _claims(job, table))
    save_kinds(figure, job.outputs)


def _others(job: Job) -> dict[str, pd.DataFrame]:
    """Cells of other studies beside the study's own: the published ones, and those that the user imports."""
    published = {"published": published_cells(job.params["model"])} if job.params["published"] else {}
    imported = {"imported": read_table(job.inputs["imported"])} if "imported" in job.inputs else {}
    return published | {name: cells[cells["infeasible"].isna()] for name, cells in imported.items()}


def _claims(job: Job, table: pd.DataFrame) -> pd.DataFrame | None:
    """Points of papers: those that the published study quotes, and the user's."""
    claims = claims_beside(job.params["published"], job.resources["claims"])
    return None if claims is None else placed(claims, job.params["model"], job.params["dataset"], table)
