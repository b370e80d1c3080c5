"""Rule `train_baseline`: the unpruned net of a model and seed."""

import logging

from filterbench.documents import write
from filterbench.jobs import Job
from filterbench.models import build_model
from filterbench.stages.setting import prepare
from filterbench.training.evaluation import evaluate
from filterbench.training.loop import TrainingSettings, train
from filterbench.weights import write_weights

logger = logging.getLogger(__name__)


def train_baseline(job: Job) -> None:
    """Train a net from fresh weights; with 0 epochs it stays untrained."""
    setting = prepare(job)
    splits = setting.splits()
    model = setting.place(build_model(setting.cell["model"], setting.cell["width"], splits.classes))
    checkpoint = setting.checkpoint()
    settings = TrainingSettings(**job.params["training"])
    record = train(model, splits, settings, setting.seed, checkpoint)
    accuracy = evaluate(model, splits.test).accuracy
    logger.info("best epoch %d, test accuracy %.2f %%", record.best_epoch, 100 * accuracy)
    write_weights(job.outputs["weights"], model.state_dict())
    write(
        job.outputs["document"],
        {
            "cell": setting.cell,
            "images": splits.sizes(),
            "performance": {"original": accuracy},
            "training": record.document(),
            "provenance": setting.provenance(),
        },
    )
    checkpoint.remove()
