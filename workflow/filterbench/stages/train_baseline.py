"""Rule `train_baseline`: the unpruned net of a model and seed."""

import logging
from pathlib import Path

from torch import nn

from filterbench.analysis.chance import guessing_bound
from filterbench.data.loading import Images, Splits
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.training import train_and_write
from filterbench.models.adopting import adopt_weights
from filterbench.models.expecting import first_norm
from filterbench.own_code.registering import home_of
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest
from filterbench.study.cells import Config

logger = logging.getLogger(__name__)
# Images that show what a net's first BatchNorm sees.
SEEN = 250


@computed
def train_baseline(context: Context) -> None:
    """Train a net from fresh weights; with 0 epochs it stays untrained. A user's own weights are measured."""
    job, splits = context.job, context.splits()
    more: dict[str, object] = _counted_copies(splits, context.max_copies)
    model = context.build(splits.classes)
    if home_of("MODELS", context.cell["model"]):
        # Imported here because it imports the libraries that compress nets, which other nets do not need.
        from filterbench.making.trying import try_net

        try_net(context.cell["model"], model, splits.classes)
    settings: Config = job.params["training"]
    more["classes"] = list(splits.names)
    if file := job.resources.get("own_weights"):
        adopt_weights(model, Path(file))
        _warn_of_other_images(file, model, splits.test)
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


def _warn_of_other_images(file: str, model: nn.Module, images: Images) -> None:
    seen = first_norm(model, images.first(SEEN).cpu())
    if seen and seen.unusual:
        logger.warning(
            "%s: on these images the inputs of the net's first BatchNorm have %.2f times the spread of its "
            "training, and means that are %.2f standard deviations away: was it trained with another "
            "normalisation (models: ...: normalisation) or on other images?",
            file,
            seen.spread,
            seen.shift,
        )


def _counted_copies(splits: Splits, allowed: float) -> dict[str, object]:
    """The number of copied test images as the document has it: not at all where there are none.

    Raises:
        InputError: they are more than the allowed share of the test images.
    """
    copies, images = splits.copies(), len(splits.test)
    if copies > allowed * images:
        raise InputError(
            f"{copies} of {images} test images have an exact copy among the images to train on or choose by; "
            f"allowed: {allowed:.3g} of them (dataset.max_copies); remove the copies, or allow more"
        )
    return {"copies": copies} if copies else {}
