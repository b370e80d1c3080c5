"""What the stages that train a net have in common."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from torch import nn

from filterbench import __version__
from filterbench.compaction.portable import NetRecord, as_metadata
from filterbench.costs.nni import count
from filterbench.data.loading import Splits
from filterbench.documents import write
from filterbench.documents.types import TrainedDocument
from filterbench.domain.spending import TEACHER, distils
from filterbench.domain.targets import target_of
from filterbench.making.context import Context
from filterbench.storage.correctness import write_correct
from filterbench.storage.files import file_digest
from filterbench.storage.weights import write_weights
from filterbench.study.cells import Config
from filterbench.training.evaluation import Score, evaluate
from filterbench.training.loop import TrainingSettings, train

logger = logging.getLogger(__name__)


def train_and_write(
    context: Context,
    splits: Splits,
    model: nn.Module,
    accuracy_name: str,
    settings: Config,
    **more: Any,
) -> Score:
    """Train a net, evaluate it on the test images, and write the job's weights and document.

    Where the job's params hold a `tuning`, the net is trained with each combination of those settings, and
    the one that does best on the selection images is kept. With a distillation, the job's input `teacher`
    holds the weights of the cell's unpruned net.

    Args:
        context: of the job.
        splits: the study's images.
        model: the net, on the device; it is changed.
        accuracy_name: what the document calls the test accuracy.
        settings: of the training.
        more: further keys of the document.

    Returns:
        The net's score on the test images.
    """
    job = context.job
    combinations = list(_combinations(settings, job.params.get("tuning", {})))
    checkpoints = [context.checkpoint(number) for number in range(len(combinations))]
    teacher = context.read_net(TEACHER).eval().requires_grad_(False) if distils(settings) else None
    trials = []
    for each, checkpoint in zip(combinations, checkpoints, strict=True):
        net = copy.deepcopy(model) if len(combinations) > 1 else model
        record = train(net, splits, TrainingSettings(**each), context.seed, checkpoint, teacher)
        trials.append((net, record))
    net, record = max(trials, key=lambda trial: trial[1].best_accuracy)
    score = evaluate(net, splits.test)
    logger.info("best epoch %d, test accuracy %.2f %%", record.best_epoch, 100 * score.accuracy)
    about = as_metadata(_record(context, splits, net, score))
    write_weights(job.outputs["weights"], net.state_dict(), about)
    document: TrainedDocument = {
        "cell": context.cell,
        "images": splits.document(),
        "performance": {accuracy_name: score.accuracy},
        "training": record.document(),
        "provenance": context.provenance(),
        **more,  # type: ignore[typeddict-item]
    }
    if len(combinations) > 1:
        document["tuning"] = [
            {
                "learning_rate": trial.settings.learning_rate,
                "epochs": trial.settings.epochs,
                "selection_accuracy": trial.best_accuracy,
            }
            for _, trial in trials
        ]
    if score.top5 is not None:
        document["top5"] = score.top5
    if correct := job.outputs.get("correct"):
        write_correct(correct, score.correct.numpy())
        document["correct"] = file_digest(correct)
    write(job.outputs["document"], document)
    for checkpoint in checkpoints:
        checkpoint.remove()
    return score


def _record(context: Context, splits: Splits, net: nn.Module, score: Score) -> NetRecord:
    """What the file of a trained net says; not its study, because studies share such files."""
    params, flops = count(copy.deepcopy(net).cpu().eval(), "full")
    cell = context.cell
    record: NetRecord = {
        "version": __version__,
        "dataset": cell["dataset"],
        "protocol": cell["protocol"],
        "model": cell["model"],
        "width": cell["width"],
        "image_size": context.image_size,
        "seed": context.seed,
        "classes": list(splits.names),
        "normalisation": splits.test.normalisation,
        "params": params,
        "flops": flops,
        "accuracy": score.accuracy,
    }
    if score.top5 is not None:
        record["top5"] = score.top5
    if "pruner" in cell:
        record |= {"pruner": cell["pruner"], "target": str(target_of(cell))}
    return record


def _combinations(settings: Config, tuning: Mapping[str, Sequence[Any]]) -> Iterator[Config]:
    """The settings with each combination of what is tuned."""
    for values in product(*tuning.values()):
        yield {**settings, **dict(zip(tuning, values, strict=True))}
