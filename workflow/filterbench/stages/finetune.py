"""Rule `finetune`: the compact net of a cell, trained on."""

from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.training import train_and_write


@computed
def finetune(context: Context) -> None:
    """Fine-tune the compact net."""
    train_and_write(
        context, context.splits(), context.read_net("weights"), "finetuned", context.job.params["training"]
    )
