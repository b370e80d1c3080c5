"""Rule `finetune`: the compact net of a cell, trained on."""

from filterbench.jobs.job import Job
from filterbench.making.context import prepare
from filterbench.making.infeasible import infeasible_before, write_infeasible
from filterbench.making.training import train_and_write


def finetune(job: Job) -> None:
    """Fine-tune the compact net."""
    context = prepare(job)
    if reason := infeasible_before(job):
        write_infeasible(context, reason)
        return
    train_and_write(
        context, context.splits(), context.read_net("weights"), "finetuned", job.params["training"]
    )
