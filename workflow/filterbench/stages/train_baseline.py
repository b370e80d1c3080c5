"""Rule `train_baseline`: the unpruned net of a model and seed."""

from filterbench.models.registry import build_model
from filterbench.running.context import prepare
from filterbench.running.job import Job
from filterbench.running.training import train_and_write


def train_baseline(job: Job) -> None:
    """Train a net from fresh weights; with 0 epochs it stays untrained."""
    context = prepare(job)
    splits = context.splits()
    model = context.place(build_model(context.cell["model"], context.cell["width"], splits.classes))
    train_and_write(context, splits, model, "original", job.params["training"])
