"""Settings that several tests train nets with."""

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
GROUP_PRUNERS = ("GroupNormPruner", "BNScalePruner", "TaylorPruner", "LAMPPruner")
