"""What the stages that train a net have in common."""

from __future__ import annotations

import logging

from torch import nn

from filterbench.data.loading import Splits
from filterbench.documents import write
from filterbench.documents.types import TrainedDocument
from filterbench.running.context import Context
from filterbench.storage.correctness import write_correct
from filterbench.storage.files import file_digest
from filterbench.storage.weights import write_weights
from filterbench.training.evaluation import evaluate
from filterbench.training.loop import TrainingSettings, train

logger = logging.getLogger(__name__)


def train_and_write(
    context: Context, splits: Splits, model: nn.Module, accuracy_name: str, budget: str = ""
) -> None:
    """Train a net, evaluate it on the test images, and write the job's weights and document.

    Args:
        context: of a job whose params hold the training settings.
        splits: the study's images.
        model: the net, on the device; it is changed.
        accuracy_name: what the document calls the test accuracy.
        budget: the training budget that the document names, of a net trained from scratch.
    """
    job = context.job
    checkpoint = context.checkpoint()
    record = train(model, splits, TrainingSettings(**job.params["training"]), context.seed, checkpoint)
    score = evaluate(model, splits.test)
    logger.info("best epoch %d, test accuracy %.2f %%", record.best_epoch, 100 * score.accuracy)
    write_weights(job.outputs["weights"], model.state_dict())
    document: TrainedDocument = {
        "cell": context.cell,
        "images": splits.document(),
        "performance": {accuracy_name: score.accuracy},
        "training": record.document(),
        "provenance": context.provenance(),
    }
    if budget:
        document["budget"] = budget
    if correct := job.outputs.get("correct"):
        write_correct(correct, score.correct.numpy())
        document["correct"] = file_digest(correct)
    write(job.outputs["document"], document)
    checkpoint.remove()
