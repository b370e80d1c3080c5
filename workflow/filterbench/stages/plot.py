"""Rule `plot`: the figure of a model."""

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.equal_training import at_equal_training
from filterbench.analysis.published import paper_points, published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.data.registry import DATASETS
from filterbench.models.registry import MODELS
from filterbench.plotting.comparison import draw_comparison, draw_cost, study_title
from filterbench.plotting.equal_training import draw_equal_training, draw_training
from filterbench.plotting.saving import save_figure
from filterbench.running.job import Job


def plot(job: Job) -> None:
    """Draw the comparison table as PNG and SVG; the same table gives the same bytes."""
    table = as_curves(pd.read_csv(job.inputs["table"]))
    model = job.params["model"]
    title = study_title(table, MODELS[model].label, DATASETS[job.params["dataset"]].label)
    if job.params["figure"] == "accuracy_against_cost":
        figure = draw_cost(table, title)
    elif job.params["figure"] == "equal_training":
        equal = with_statistics(at_equal_training(table))
        figure = draw_equal_training({"as published": table, "at equal training": equal}, title)
    elif job.params["figure"] == "accuracy_against_training":
        figure = draw_training(table, title)
    elif job.params["published"]:
        figure = draw_comparison(table, title, published_cells(model), paper_points(model))
    else:
        figure = draw_comparison(table, title)
    save_figure(figure, *(job.outputs[name] for name in ("png", "svg", "own")))
