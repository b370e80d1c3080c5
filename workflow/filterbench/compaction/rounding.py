"""Channel counts that are multiples of a number, on which vector units compute fastest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from filterbench.compaction.channels import channel_sources
from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.models.depthwise import mask_depthwise
from filterbench.models.graph import norms_after


def rounded_masks(model: nn.Module, masks: ChannelMasks, multiple: int, up: bool) -> ChannelMasks:
    """Masks that leave each layer a multiple of channels, or all of them.

    Convolutions whose outputs are summed keep the channels that any of them keeps, and the number of these is
    rounded. The L1 norm of their filters (Li et al. 2016, arXiv:1608.08710, section 3.1), summed over them,
    decides which channels come back or go.

    Args:
        model: the net, its filters not masked yet.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
        multiple: from 1.
        up: whether channels come back, to the next multiple; otherwise they go, down to at least one.
    """
    rounded = {name: kept.clone() for name, kept in masks.items()}
    modules = dict(model.named_modules())
    sources = channel_sources(model)
    groups = dict.fromkeys(makers for name in masks if (makers := sources[name][1]))
    for makers in groups:
        if not makers <= masks.keys():
            # One of them keeps all channels.
            continue
        names = sorted(makers)
        union = torch.stack([masks[name] for name in names]).any(dim=0)
        count, all_channels = int(union.sum()), len(union)
        whole = count // multiple * multiple
        wanted = min(all_channels, whole + multiple if up and whole < count else max(multiple, whole))
        norms = _norms([modules[name] for name in names])
        if wanted > count:
            changed = _first(norms, ~union, wanted - count)
        else:
            changed = _first(-norms, union, count - wanted)
        for name in names:
            rounded[name][changed] = wanted > count
    mask_depthwise(model, rounded)
    return rounded


def _norms(convolutions: Sequence[nn.Module]) -> Tensor:
    """By channel the L1 norm of the filters that make it."""
    weights = [layer.get_parameter("weight").detach() for layer in convolutions]
    return torch.stack([weight.abs().flatten(1).sum(dim=1) for weight in weights]).sum(dim=0)


def _first(scores: Tensor, allowed: Tensor, count: int) -> Tensor:
    """Indices of the highest scores among the allowed ones; of equal scores the first."""
    places = allowed.nonzero().flatten()
    return places[scores[places].argsort(descending=True, stable=True)[:count]]


def with_rounded_channels(pruned: PrunedNet, original: nn.Module, multiple: int, up: bool) -> PrunedNet:
    """A masked net with `rounded_masks`; filters that come back, and their BatchNorm, are the unpruned net's.

    Args:
        pruned: a masked net, not a compact one; it is changed.
        original: the net that was pruned, on the same device.
        multiple: see `rounded_masks`.
        up: see `rounded_masks`.
    """
    masks = rounded_masks(original, pruned.masks, multiple, up)
    norms = norms_after(original)
    theirs, ours = original.state_dict(), pruned.model.state_dict()
    with torch.no_grad():
        for name, kept in masks.items():
            # A pruner need not mask the depthwise convolutions.
            back = kept & ~pruned.masks.get(name, torch.ones_like(kept))
            for layer in filter(None, (name, norms.get(name))):
                for entry in ("weight", "bias", "running_mean", "running_var"):
                    if (key := f"{layer}.{entry}") in ours:
                        ours[key][back] = theirs[key][back]
    apply_masks(pruned.model, masks)
    return PrunedNet(pruned.model, masks)
