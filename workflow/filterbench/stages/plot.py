"""Rule `plot`: the figure of a model."""

import pandas as pd

from filterbench.data import DATASETS
from filterbench.files import atomic_write
from filterbench.jobs import Job
from filterbench.models import MODELS
from filterbench.plotting.comparison import draw_comparison

DPI = 160


def plot(job: Job) -> None:
    """Draw the comparison table as PNG and SVG; the same table gives the same bytes."""
    table = pd.read_csv(job.inputs["table"])
    model = MODELS[job.params["model"]].label
    figure = draw_comparison(table, model, DATASETS[job.params["dataset"]].label)
    for kind, metadata in {"png": None, "svg": {"Date": None}}.items():
        with atomic_write(job.outputs[kind]) as file:
            figure.savefig(file, format=kind, dpi=DPI, metadata=metadata)
