"""Settings that several tests train nets with."""

import pytest
import torch

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]

TRAINING = {
    "epochs": 1,
    "batch_size": 64,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "schedule": "one-cycle",
    "augment": True,
}

# Pruners that take whole groups of channels.
GROUP_PRUNERS = (
    *("GroupL1Pruner", "GroupNormPruner", "GroupFPGMPruner", "BNScalePruner", "LAMPPruner", "SynFlowPruner"),
    *("TaylorPruner", "HessianPruner", "OBDCPruner"),
    *("HRankPruner", "CHIPPruner", "APoZPruner", "MeanActivationPruner", "GroupRandomPruner"),
)
