"""Rule `scratch`: a cell's compact shapes, trained from fresh weights (Liu et al. 2019, arXiv:1810.05270)."""

from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.spending import spending_of, with_total
from filterbench.making.training import train_and_write
from filterbench.models.rebuilding import draw_fresh_weights, rebuild_model
from filterbench.storage.weights import read_weights


@computed
def scratch(context: Context) -> None:
    """Train a net of the compact net's shapes from fresh weights."""
    job, splits = context.job, context.splits()
    settings, budget = job.params["training"], job.params["budget"]
    if budget == "total":
        settings = with_total(settings, spending_of(job, len(splits.train)))
    path = job.inputs["weights"]
    model = rebuild_model(context.cell["model"], read_weights(path), path, context.image_size)
    draw_fresh_weights(model, context.seed)
    net = context.place(model)
    train_and_write(context, splits, net, "scratch", settings, budget=budget)
