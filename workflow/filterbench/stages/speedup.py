"""Rule `speedup`: the compact net of a cell."""

from __future__ import annotations

import logging
from typing import Any

from torch import nn

from filterbench.compaction import TOLERANCE, check_same, compact, silence_masked_channels
from filterbench.documents import write
from filterbench.jobs import Job
from filterbench.pruners.masking import read_masked_net
from filterbench.stages.setting import prepare
from filterbench.training.evaluation import evaluate
from filterbench.weights import write_weights

logger = logging.getLogger(__name__)

CHECKED_IMAGES = 64


def speedup(job: Job) -> None:
    """Remove the masked channels, and check the compact net against the silenced masked net."""
    setting = prepare(job)
    splits = setting.splits()
    path = job.inputs["weights"]
    weights, masks = read_masked_net(path)
    masked = setting.rebuild(weights, path)
    masks = {name: kept.to(setting.device) for name, kept in masks.items()}
    silence_masked_channels(masked, masks)
    compact_net = compact(masked, masks)
    images = splits.selection.first(CHECKED_IMAGES)
    difference = check_same(masked, compact_net, images)
    accuracy = evaluate(compact_net, splits.test).accuracy
    logger.info("relative difference %.1e, test accuracy %.2f %%", difference, 100 * accuracy)
    write_weights(job.outputs["weights"], compact_net.state_dict())
    write(
        job.outputs["document"],
        {
            "cell": setting.cell,
            "images": splits.sizes(),
            "performance": {"speedup": accuracy},
            "layers": _kept_channels(masked, compact_net),
            "check": {"images": len(images), "relative_difference": difference, "tolerance": TOLERANCE},
            "provenance": setting.provenance(),
        },
    )


def _kept_channels(original: nn.Module, smaller: nn.Module) -> list[dict[str, Any]]:
    kept = {
        name: module.out_channels for name, module in smaller.named_modules() if isinstance(module, nn.Conv2d)
    }
    return [
        {"name": name, "channels": module.out_channels, "kept": kept[name]}
        for name, module in original.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
