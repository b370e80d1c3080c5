"""Rule `train_baseline`: the unpruned net of a model and seed."""

import logging
from pathlib import Path

from filterbench.analysis.chance import guessing_bound
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.training import train_and_write
from filterbench.models.adopting import adopt_weights
from filterbench.own_code.registering import home_of
from filterbench.storage.files import file_digest
from filterbench.study.cells import Config

logger = logging.getLogger(__name__)


@computed
def train_baseline(context: Context) -> None:
    """Train a net from fresh weights; with 0 epochs it stays untrained. A user's own weights are measured."""
    job, splits = context.job, context.splits()
    model = context.build(splits.classes)
    if home_of("MODELS", context.cell["model"]):
        # Imported here because it imports the libraries that compress nets, which other nets do not need.
        from filterbench.making.trying import try_net

        try_net(context.cell["model"], model, splits.classes)
    settings: Config = job.params["training"]
    more: dict[str, object] = {"classes": list(splits.names)}
    if file := job.resources.get("own_weights"):
        adopt_weights(model, Path(file))
        settings = settings | {"epochs": 0}
        more["own_weights"] = {"file": Path(file).name, "digest": file_digest(Path(file))}
    score = train_and_write(context, splits, context.place(model), "original", settings, **more)
    if file and score.accuracy <= guessing_bound(splits.document()["chance"], len(splits.test)):
        logger.warning(
            "%s: test accuracy %.2f %%, no better than chance: does the file have other classes, another "
            "normalisation or another net?",
            file,
            100 * score.accuracy,
        )
