"""Rule `plot`: the figure of a model."""

import pandas as pd

from filterbench.data import DATASETS
from filterbench.jobs import Job
from filterbench.models import MODELS
from filterbench.plotting.comparison import draw_comparison, draw_cost
from filterbench.plotting.saving import save_figure


def plot(job: Job) -> None:
    """Draw the comparison table as PNG and SVG; the same table gives the same bytes."""
    table = pd.read_csv(job.inputs["table"])
    model = MODELS[job.params["model"]].label
    draw = {"performance_comparison": draw_comparison, "accuracy_against_cost": draw_cost}
    figure = draw[job.params["figure"]](table, model, DATASETS[job.params["dataset"]].label)
    save_figure(figure, job.outputs["png"], job.outputs["svg"])
