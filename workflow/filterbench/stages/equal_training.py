"""Rule `equal_training`: the compact net, fine-tuned until all cells of a target have had as much."""

from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.spending import spending_of
from filterbench.making.training import train_and_write


@computed
def equal_training(context: Context) -> None:
    """Fine-tune the compact net for what is left of the images that the study asks for."""
    splits, training = context.splits(), context.job.params["training"]
    spending = spending_of(context.job, len(splits.train))
    settings = training | {"epochs": spending.epochs(training)}
    net, spent = context.read_net("weights"), spending.document(settings)
    train_and_write(context, splits, net, "equal", settings, equal_training=spent)
