"""Rule `equal_training`: the compact net, fine-tuned until all cells of a target have had as much."""

from filterbench.jobs.job import Job
from filterbench.making.context import prepare
from filterbench.making.infeasible import infeasible_before, write_infeasible
from filterbench.making.spending import spending_of
from filterbench.making.training import train_and_write
from filterbench.pruners.contract import InfeasibleError


def equal_training(job: Job) -> None:
    """Fine-tune the compact net for what is left of the images that the study asks for."""
    context = prepare(job)
    if reason := infeasible_before(job):
        write_infeasible(context, reason)
        return
    splits = context.splits()
    try:
        spending = spending_of(job, len(splits.train))
        settings = job.params["training"] | {"epochs": spending.epochs(job.params["training"])}
    except InfeasibleError as reason:
        write_infeasible(context, str(reason))
        return
    net, spent = context.read_net("weights"), spending.document(settings)
    train_and_write(context, splits, net, "equal", settings, equal_training=spent)
