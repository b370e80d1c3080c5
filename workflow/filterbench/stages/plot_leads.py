"""Rule `plot_leads`: the figure of a model's leads taken apart."""

from filterbench.jobs.job import Job
from filterbench.plotting.leads import draw_leads
from filterbench.plotting.saving import save_kinds
from filterbench.results.titles import model_title
from filterbench.storage.tables import read_table


def plot_leads(job: Job) -> None:
    """Draw a model's rows of `leads.csv` as PNG, SVG and PDF; the same table gives the same bytes."""
    table = read_table(job.inputs["table"])
    rows = table[table["model"] == job.params["model"]]
    save_kinds(draw_leads(rows, model_title(job.params)), job.outputs)
