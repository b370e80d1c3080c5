"""Rule `train_baseline`: the unpruned net of a model and seed."""

from filterbench.models.registry import build_model
from filterbench.running.context import prepare
from filterbench.running.job import Job
from filterbench.running.training import train_and_write


def train_baseline(job: Job) -> None:
    """Train a net from fresh weights; with 0 epochs it stays untrained."""
    setting = prepare(job)
    splits = setting.splits()
    model = setting.place(build_model(setting.cell["model"], setting.cell["width"], splits.classes))
    train_and_write(setting, splits, model, "original")
