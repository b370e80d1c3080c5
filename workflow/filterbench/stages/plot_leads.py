"""Rule `plot_leads`: the figure of a model's leads taken apart."""

import pandas as pd

from filterbench.data.registry import DATASETS
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.plotting.leads import draw_leads
from filterbench.plotting.saving import save_kinds


def plot_leads(job: Job) -> None:
    """Draw a model's rows of `leads.csv` as PNG and SVG; the same table gives the same bytes."""
    table = pd.read_csv(job.inputs["table"])
    model = job.params["model"]
    names = MODELS[model].label, DATASETS[job.params["dataset"]].label
    title = "{} on {}, study {}".format(*names, job.params["study"]) if job.params["titled"] else ""
    figure = draw_leads(table[table["model"] == model], title)
    save_kinds(figure, job.outputs)
