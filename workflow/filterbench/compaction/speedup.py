"""From a masked net to a compact one, and the check that both compute the same."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from filterbench.compaction.masks import ChannelMasks, apply_masks
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.models.graph import norms_after
from filterbench.storage.errors import InputError

TOLERANCE = 1e-4
# ReLU passes no gradient at zero. Eight orders of magnitude below usual values, this moves no logit.
FAINT = 1e-8


def silencer(model: nn.Module, masks: ChannelMasks, graph: fx.Graph | None = None) -> Callable[[], None]:
    """A function that silences the masked channels of a net, in place, as often as it is called.

    A masked filter gives zeros, from which its BatchNorm still makes a constant. Silenced, the channel is
    zero everywhere (but for `FAINT`), as if it had been removed. The BatchNorm keeps its scale, and its bias
    is not quite zero: through both, a masked filter that a sum keeps in the compact net gets a gradient, and
    can grow back.

    Args:
        model: a net whose convolutions are each followed by their own BatchNorm, or by none.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
        graph: of a net with the same layers, to avoid tracing.
    """
    modules = dict(model.named_modules())
    norms = {name: modules[norm] for name, norm in norms_after(model, graph).items()}

    @torch.no_grad()
    def silence() -> None:
        apply_masks(model, masks)
        for name, kept in masks.items():
            state = (norms[name] if name in norms else modules[name]).state_dict()
            if "bias" in state:
                state["bias"][~kept] = FAINT
            if "running_mean" in state:
                state["running_mean"][~kept] = 0

    return silence


def silence_masked_channels(model: nn.Module, masks: ChannelMasks) -> None:
    """Zero the masked filters of a net and the output of their BatchNorm; see `silencer`."""
    silencer(model, masks)()


def compact(model: nn.Module, masks: ChannelMasks) -> nn.Module:
    """A smaller net that computes what the silenced masked net computes.

    It is the net that NNI 2.10.1's ModelSpeedup gives, tensor by tensor, in hundredths of its time; but of
    nets with padded shortcuts, whose sums NNI misunderstands.

    Args:
        model: a masked and silenced net in evaluation mode; it is not changed.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
    """
    smaller = slice_channels(model, kept_indices(model, masks))
    for module in smaller.modules():
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None:
            # NNI makes new layers, whose counts begin at zero.
            module.num_batches_tracked.zero_()
    return smaller


@torch.no_grad()
def relative_difference(model: nn.Module, other: nn.Module, images: Tensor) -> float:
    """Largest difference of a logit over the first net's largest logit, for images (n, 3, height, width)."""
    expected, found = model(images), other(images)
    return ((expected - found).abs().max() / expected.abs().max()).item()


def check_same(model: nn.Module, other: nn.Module, images: Tensor) -> float:
    """The relative difference of two nets on real images.

    Raises:
        InputError: it reaches `TOLERANCE`, or is not a number.
    """
    difference = relative_difference(model, other, images)
    require_close("the compact net differs from the masked net", difference)
    return difference


def require_close(what: str, *differences: float) -> None:
    """Raise an `InputError` that begins with `what` if a relative difference is not below `TOLERANCE`."""
    for difference in differences:
        if not difference < TOLERANCE:
            raise InputError(
                f"{what} by {difference:.2g}, relative to the largest logit; allowed: below {TOLERANCE}"
            )
