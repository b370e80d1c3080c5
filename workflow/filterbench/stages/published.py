"""Rule `published`: the figure of a model from the published cells alone."""

from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import paper_points, published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.jobs import Job
from filterbench.models import MODELS
from filterbench.plotting.comparison import draw_comparison
from filterbench.plotting.saving import save_figure


def published(job: Job) -> None:
    """Draw the published cells, the unpruned net and the quoted paper's point."""
    model = job.params["model"]
    title = f"{MODELS[model].label} on CIFAR-10, the published study\ntest protocol, one run of each cell"
    cells = with_fronts(with_statistics(published_cells(model)))
    figure = draw_comparison(cells, title, paper=paper_points(model))
    save_figure(figure, job.outputs["png"], job.outputs["svg"])
