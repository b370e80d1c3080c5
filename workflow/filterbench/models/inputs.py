"""What the nets take: square images of three channels, of the size that the study sets."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from filterbench.documents.parts import IMAGE_SIZE


def image_shape(model: nn.Module) -> tuple[int, int, int]:
    """Channels, height and width of the images that a net was built for."""
    size = getattr(model, "image_size", IMAGE_SIZE)
    return (3, size, size)


def example_input(model: nn.Module) -> Tensor:
    """Two blank images on the net's device, (2, 3, size, size), to trace it with."""
    return torch.zeros(2, *image_shape(model), device=next(model.parameters()).device)
