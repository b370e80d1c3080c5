"""The learning rate of a training, step by step."""

from __future__ import annotations

import warnings

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR


def schedule_of(optimizer: Optimizer, name: str, epochs: int, steps: int) -> LRScheduler:
    """A schedule from its first step on.

    Args:
        optimizer: whose learning rate is the schedule's largest.
        name: `multistep`, `one-cycle` or `cosine`; `schemas/config.schema.json` describes them.
        epochs: that it spans.
        steps: of an epoch.
    """
    total = max(1, steps * epochs)
    if name == "cosine":
        return CosineAnnealingLR(optimizer, total)
    if name == "one-cycle":
        largest = optimizer.param_groups[0]["lr"]
        return OneCycleLR(optimizer, largest, total_steps=total, cycle_momentum=False)
    # At the end of an epoch, as in the published script; fewer than four epochs have no such ends to choose
    # from.
    unit = steps if epochs >= 4 else 1
    milestones = [max(1, int(epochs * steps * share / unit) * unit) for share in (0.5, 0.75)]
    return MultiStepLR(optimizer, milestones, gamma=0.1)


def skip(schedule: LRScheduler, steps: int) -> None:
    """Bring a schedule forward, to where another training or another process has left it."""
    with warnings.catch_warnings():
        # torch warns of a schedule that steps without its optimizer.
        warnings.simplefilter("ignore")
        for _ in range(steps):
            schedule.step()
