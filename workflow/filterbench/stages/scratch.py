"""Rule `scratch`: a cell's compact shapes, trained from fresh weights (Liu et al. 2019, arXiv:1810.05270)."""

from filterbench.jobs.job import Job
from filterbench.making.context import prepare
from filterbench.making.infeasible import infeasible_before, write_infeasible
from filterbench.making.spending import spending_of, with_total
from filterbench.making.training import train_and_write
from filterbench.models.rebuilding import draw_fresh_weights, rebuild_model
from filterbench.pruners.contract import InfeasibleError
from filterbench.storage.weights import read_weights


def scratch(job: Job) -> None:
    """Train a net of the compact net's shapes from fresh weights."""
    context = prepare(job)
    if reason := infeasible_before(job):
        write_infeasible(context, reason)
        return
    splits, settings = context.splits(), job.params["training"]
    budget = job.params["budget"]
    if budget == "total":
        try:
            settings = with_total(settings, spending_of(job, len(splits.train)))
        except InfeasibleError as reason:
            write_infeasible(context, str(reason))
            return
    path = job.inputs["weights"]
    model = rebuild_model(context.cell["model"], read_weights(path), path, context.image_size)
    draw_fresh_weights(model, context.seed)
    net = context.place(model)
    train_and_write(context, splits, net, "scratch", settings, budget=budget)
