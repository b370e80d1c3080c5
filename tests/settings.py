"""Settings that several tests train nets with."""

from collections.abc import Iterable

import pytest
import torch

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]

# Seconds that a test waits for a browser, beside other tests.
PATIENCE = 120

TRAINING = {
    "epochs": 1,
    "batch_size": 64,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "schedule": "one-cycle",
    "augment": True,
}

# Pruners that take whole groups of channels; they differ in their scores alone.
GROUP_PRUNERS = (
    *("GroupL1Pruner", "GroupNormPruner", "GroupFPGMPruner", "BNScalePruner", "LAMPPruner", "SynFlowPruner"),
    *("TaylorPruner", "HessianPruner", "OBDCPruner"),
    *("HRankPruner", "CHIPPruner", "APoZPruner", "MeanActivationPruner", "GroupRandomPruner"),
)


def few_group_pruners(names: Iterable[str]) -> list:
    """Parameters of a test of pruners, most of those of groups marked as slow."""
    quick = {"GroupNormPruner", "GroupFPGMPruner", "TaylorPruner", "APoZPruner"}
    slow = set(GROUP_PRUNERS) - quick
    return [pytest.param(name, marks=pytest.mark.slow) if name in slow else name for name in names]
