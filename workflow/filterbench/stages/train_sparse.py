"""Rule `train_sparse`: the unpruned net of a model and seed, trained on with a penalty."""

from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.training import train_and_write


@computed
def train_sparse(context: Context) -> None:
    """Train the unpruned net on with a penalty on its filters, and keep the last epoch's weights.

    Raises:
        InputError: the net lacks what the penalty is on, or the training diverged.
    """
    train_and_write(
        context, context.splits(), context.read_net("weights"), "sparse", context.job.params["training"]
    )
