"""Whether images look to a trained net like those of its training.

BatchNorm keeps the mean and variance of what it saw in training. If images come with another normalisation,
what the first BatchNorm sees has other ones: a net whose inputs are scaled by 0.8 sees 0.8 of the spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

# A spread outside of this, or a shift above the other number, in standard deviations, is unusual.
SPREADS = (0.85, 1.18)
SHIFT = 0.5


@dataclass(frozen=True)
class FirstNorm:
    """The inputs of a net's first BatchNorm on some images, against those of its training.

    Attributes:
        spread: median over channels of the ratio of the standard deviations.
        shift: median over channels of the distance of the means, in standard deviations of the training.
    """

    spread: float
    shift: float

    @property
    def unusual(self) -> bool:
        """Whether the images look like others than those of the training."""
        low, high = SPREADS
        return not low <= self.spread <= high or self.shift > SHIFT


@torch.no_grad()
def first_norm(model: nn.Module, images: Tensor) -> FirstNorm | None:
    """What the first BatchNorm of a net sees; None if it has none, or none that keeps statistics.

    Args:
        model: the net, which is left in evaluation mode.
        images: normalised, (n, 3, height, width); some hundred give the statistics to a few per cent.
    """
    found: list[FirstNorm] = []

    def note(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        if not found and norm.running_var is not None and norm.running_mean is not None:
            var, mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
            trained = (norm.running_var + norm.eps).sqrt()
            shift = (mean - norm.running_mean).abs() / trained
            found.append(FirstNorm((var.sqrt() / trained).median().item(), shift.median().item()))

    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    model.eval()(images)
    for hook in hooks:
        hook.remove()
    return found[0] if found else None
