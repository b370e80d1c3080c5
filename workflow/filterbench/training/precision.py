"""Arithmetic of a forward pass: bfloat16 where a GPU makes it fast, float32 elsewhere."""

import torch


def mixed_precision(device: torch.device) -> torch.autocast:
    """A context in which a forward pass runs; bfloat16 needs no loss scaling."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
