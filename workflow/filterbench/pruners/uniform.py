"""The nets that one sparsity for all convolutions can give."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from filterbench.models.depthwise import is_depthwise, mask_depthwise


def prunable_convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    """The convolutions of a net by name, except depthwise ones, whose channels follow others."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and not is_depthwise(module)
    }


def uniform_masks(model: nn.Module, sparsity: float) -> dict[str, Tensor]:
    """Masks, by name of a convolution, that remove the same share of the filters of each: the first ones."""
    masks = {
        name: torch.arange(module.out_channels) >= int(sparsity * module.out_channels)
        for name, module in prunable_convolutions(model).items()
    }
    mask_depthwise(model, masks)
    return masks


def uniform_steps(model: nn.Module) -> list[float]:
    """One sparsity, ascending, for each net that one sparsity for all convolutions can give.

    A layer of c filters loses one more at each multiple of 1/c; between two neighbours of all those
    multiples every sparsity masks the same filters, and the middle represents them.
    """
    channels = {module.out_channels for module in prunable_convolutions(model).values()}
    edges = sorted({lost / count for count in channels for lost in range(count + 1)})
    return [(low + high) / 2 for low, high in pairwise(edges)]
