"""Rule `published_figure`: the figure of a model from the published cells alone."""

from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import before_finetuning, paper_points, published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.jobs.job import Job
from filterbench.models.registry import MODELS
from filterbench.plotting.comparison import draw_comparison
from filterbench.plotting.saving import save_kinds


def published(job: Job) -> None:
    """Draw the published cells, the unpruned net and the quoted paper's point.

    The figure `published_before` shows the cells before fine-tuning, without the paper's point.
    """
    model = job.params["model"]
    before = job.params["figure"] == "published_before"
    cells = before_finetuning(published_cells(model)) if before else published_cells(model)
    shown = "before fine-tuning, " if before else ""
    title = (
        f"{MODELS[model].label} on CIFAR-10, the published study\n{shown}test protocol, one run of each cell"
    )
    figure = draw_comparison(
        with_fronts(with_statistics(cells)), title, claims=None if before else paper_points(model)
    )
    save_kinds(figure, job.outputs)
