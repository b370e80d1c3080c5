"""Rule `prune`: the channel masks of a cell."""

from __future__ import annotations

import logging
from typing import Any

from torch import nn

from filterbench.documents import write
from filterbench.jobs import Job
from filterbench.pruners import PRUNERS
from filterbench.pruners.masking import ChannelMasks, write_masked_net
from filterbench.stages.setting import prepare
from filterbench.training.evaluation import evaluate

logger = logging.getLogger(__name__)


def prune(job: Job) -> None:
    """Mask the baseline's filters with the cell's pruner, and evaluate the masked net as it is."""
    setting = prepare(job)
    splits = setting.splits()
    baseline = setting.read_net("weights")
    pruner = PRUNERS[setting.cell["pruner"]].make(job.params["arguments"])
    pruned = pruner.prune(baseline, setting.cell["sparsity"])
    accuracy = evaluate(setting.place(pruned.model), splits.test).accuracy
    reached = _masked_share(pruned.model, pruned.masks)
    logger.info("masked %.1f %% of the weights, test accuracy %.2f %%", 100 * reached, 100 * accuracy)
    write_masked_net(job.outputs["weights"], pruned)
    write(
        job.outputs["document"],
        {
            "cell": setting.cell,
            "images": splits.sizes(),
            "performance": {"pruned": accuracy},
            "arguments": dict(job.params["arguments"]),
            "sparsity": {"asked": setting.cell["sparsity"], "reached": reached},
            "layers": _kept_channels(pruned.masks),
            "provenance": setting.provenance(),
        },
    )


def _kept_channels(masks: ChannelMasks) -> list[dict[str, Any]]:
    return [{"name": name, "channels": len(kept), "kept": int(kept.sum())} for name, kept in masks.items()]


def _masked_share(model: nn.Module, masks: ChannelMasks) -> float:
    """Share of the weights of the masked convolutions that belongs to masked filters."""
    filter_sizes = {name: model.get_parameter(f"{name}.weight")[0].numel() for name in masks}
    masked = sum(int((~kept).sum()) * filter_sizes[name] for name, kept in masks.items())
    return masked / sum(len(kept) * filter_sizes[name] for name, kept in masks.items())
