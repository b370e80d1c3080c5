"""Rule `speedup`: the compact net of a cell."""

from __future__ import annotations

import logging

from torch import nn

from filterbench.compaction.masks import ChannelMasks, read_masked_net
from filterbench.compaction.speedup import TOLERANCE, check_same, compact, silence_masked_channels
from filterbench.data.loading import Images
from filterbench.documents import read, write
from filterbench.documents.parts import Check, LayerRecord
from filterbench.documents.types import PruneDocument, SpeedupDocument
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.storage.weights import read_weights, write_weights
from filterbench.training.evaluation import evaluate

logger = logging.getLogger(__name__)

CHECKED_IMAGES = 64


@computed
def speedup(context: Context) -> None:
    """Remove the masked channels, and check the compact net against the silenced masked net."""
    job, splits = context.job, context.splits()
    path = job.inputs["weights"]
    weights, masks = read_masked_net(path, read_weights(job.inputs["original"]))
    masks = {name: kept.to(context.device) for name, kept in masks.items()}
    net = context.rebuild(weights, path)
    check: Check | None = None
    if masks:
        net, check = _remove_channels(net, masks, splits.selection)
    accuracy = evaluate(net, splits.test).accuracy
    logger.info("test accuracy %.2f %%", 100 * accuracy)
    write_weights(job.outputs["weights"], net.state_dict())
    document: SpeedupDocument = {
        "cell": context.cell,
        "images": splits.document(),
        "performance": {"speedup": accuracy},
        "layers": _kept_channels(read(job.inputs["document"], PruneDocument)["layers"], net),
        "provenance": context.provenance(),
    }
    if check:
        document["check"] = check
    write(job.outputs["document"], document)


def _remove_channels(masked: nn.Module, masks: ChannelMasks, images: Images) -> tuple[nn.Module, Check]:
    """The compact net, and how well it agrees with the silenced masked net on the first images."""
    silence_masked_channels(masked, masks)
    net = compact(masked, masks)
    batch = images.first(CHECKED_IMAGES)
    difference = check_same(masked, net, batch)
    logger.info("relative difference %.1e", difference)
    return net, {"images": len(batch), "relative_difference": difference, "tolerance": TOLERANCE}


def _kept_channels(layers: list[LayerRecord], net: nn.Module) -> list[LayerRecord]:
    """The layers of `prune.json` with the channels that the compact net keeps."""
    convolutions = {name: module for name, module in net.named_modules() if isinstance(module, nn.Conv2d)}
    return [{**layer, "kept": convolutions[layer["name"]].out_channels} for layer in layers]
