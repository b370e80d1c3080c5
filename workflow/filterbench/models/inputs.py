"""What the nets take: 32x32 images of three channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IMAGE_SHAPE = (3, 32, 32)


def example_input(model: nn.Module) -> Tensor:
    """Two blank images on the net's device, (2, 3, 32, 32), to trace it with."""
    return torch.zeros(2, *IMAGE_SHAPE, device=next(model.parameters()).device)
