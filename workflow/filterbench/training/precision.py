"""Arithmetic of a training's passes."""

import torch

# bfloat16 on a GPU, float32 on a CPU.
AUTO = "auto"


def mixed_precision(device: torch.device, precision: str = AUTO) -> torch.autocast:
    """A context in which a forward pass runs; bfloat16 needs no loss scaling.

    Args:
        device: where it runs.
        precision: `auto`, `float32` or `bfloat16`.
    """
    enabled = device.type == "cuda" if precision == AUTO else precision == "bfloat16"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
