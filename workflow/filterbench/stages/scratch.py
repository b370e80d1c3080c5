"""Rule `scratch`: a cell's compact shapes, trained from fresh weights (Liu et al. 2019, arXiv:1810.05270)."""

from filterbench.models.rebuilding import draw_fresh_weights, rebuild_model
from filterbench.running.context import prepare
from filterbench.running.infeasible import infeasible_before, write_infeasible
from filterbench.running.job import Job
from filterbench.running.training import train_and_write
from filterbench.storage.weights import read_weights


def scratch(job: Job) -> None:
    """Train a net of the compact net's shapes from fresh weights."""
    context = prepare(job)
    if reason := infeasible_before(job):
        write_infeasible(context, reason)
        return
    path = job.inputs["weights"]
    model = rebuild_model(context.cell["model"], read_weights(path), path)
    draw_fresh_weights(model, context.seed)
    train_and_write(context, context.splits(), context.place(model), "scratch", job.params["budget"])
