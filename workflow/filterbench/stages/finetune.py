"""Rule `finetune`: the compact net of a cell, trained on."""

import logging

from filterbench.documents import write
from filterbench.jobs import Job
from filterbench.stages.infeasible import infeasible_before, write_infeasible
from filterbench.stages.setting import prepare
from filterbench.training.evaluation import evaluate
from filterbench.training.loop import TrainingSettings, train
from filterbench.weights import write_weights

logger = logging.getLogger(__name__)


def finetune(job: Job) -> None:
    """Fine-tune the compact net."""
    setting = prepare(job)
    if reason := infeasible_before(job):
        write_infeasible(setting, reason)
        return
    splits = setting.splits()
    model = setting.read_net("weights")
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
            "performance": {"finetuned": accuracy},
            "training": record.document(),
            "provenance": setting.provenance(),
        },
    )
    checkpoint.remove()
