"""Rule `plot_ranking`: the figure of a study's rankings under one kind of budget."""

from filterbench.data.registry import DATASETS
from filterbench.jobs.job import Job
from filterbench.plotting.ranking import draw_ranking
from filterbench.plotting.saving import save_kinds
from filterbench.results.titles import shown
from filterbench.storage.tables import read_table


def plot_ranking(job: Job) -> None:
    """Draw `ranking.csv` as PNG, SVG and PDF; the same table gives the same bytes."""
    table = read_table(job.inputs["table"], groups=str)
    title = f"{DATASETS[job.params['dataset']].label}, study {job.params['study']}"
    save_kinds(draw_ranking(table, shown(title, job.params)), job.outputs)
