"""A quick channel slicer: the compact form of a masked net, from the net's graph alone.

NNI's ModelSpeedup finds by experiment what a mask makes useless, which takes seconds. Here the graph says it,
in milliseconds (`filterbench.compaction.channels`). The tests compare both.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from torch import Tensor, nn

from filterbench.compaction.channels import follow
from filterbench.compaction.masks import ChannelMasks
from filterbench.models.depthwise import is_depthwise
from filterbench.models.rebuilding import resize_layers
from filterbench.storage.weights import Weights

Index = Tensor | None


@dataclass(frozen=True)
class KeptIndices:
    """The parts of a net's state that its compact form keeps.

    Attributes:
        by_name: by name of a tensor, the kept indices (int64) along its first dimensions; None for a
            dimension that is kept as a whole.
    """

    by_name: dict[str, tuple[Index, ...]]

    def gather(self, whole: Weights, share: bool = False) -> Weights:
        """The compact form's state, taken from the whole net's.

        Args:
            whole: the whole net's state.
            share: reuse the tensors that lose nothing; otherwise all are copies.
        """
        parts = {name: self._part(name, tensor) for name, tensor in whole.items()}
        return {
            name: part if share or part is not whole[name] else part.clone() for name, part in parts.items()
        }

    def scatter(self, compact: Weights, whole: Weights) -> Weights:
        """The whole net's state with the compact form's values in their places; all tensors are copies."""
        result = {}
        for name, tensor in whole.items():
            rows, columns = (*self.by_name.get(name, ()), None, None)[:2]
            result[name] = tensor.clone()
            if rows is not None and columns is not None:
                result[name][rows[:, None], columns] = compact[name]
            elif columns is not None:
                result[name][:, columns] = compact[name]
            else:
                result[name][... if rows is None else rows] = compact[name]
        return result

    def masks(self, whole: ChannelMasks) -> ChannelMasks:
        """Masks of the compact form, for convolutions that keep a masked filter because a sum needs it."""
        kept = {name: self._part(f"{name}.bias", mask) for name, mask in whole.items()}
        return {name: mask for name, mask in kept.items() if not mask.all()}

    def _part(self, name: str, tensor: Tensor) -> Tensor:
        for dimension, index in enumerate(self.by_name.get(name, ())):
            if index is not None:
                tensor = tensor.index_select(dimension, index)
        return tensor


def slice_channels(model: nn.Module, kept: KeptIndices, share: bool = False) -> nn.Module:
    """The compact form of a net, on the same device and in the same mode.

    Args:
        model: the net; it is not changed.
        kept: from `kept_indices` of this net.
        share: reuse the net's own tensors where they lose nothing; the result must not be trained.
    """
    weights = kept.gather(model.state_dict(), share)
    # Copies the layers without their values, which are replaced.
    values = {id(value): value for value in (*model.parameters(), *model.buffers())}
    smaller = copy.deepcopy(model, values)
    resize_layers(smaller, weights)
    smaller.load_state_dict(weights, assign=True)
    return smaller


def kept_indices(model: nn.Module, masks: ChannelMasks) -> KeptIndices:
    """The parts of a net that are left without its masked channels.

    A channel of a sum goes only if all terms mask it. A masked channel that stays is zero once its BatchNorm
    is silenced (`filterbench.compaction.speedup.silence_masked_channels`).

    Args:
        model: see `filterbench.compaction.channels.follow`.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.

    Raises:
        InputError: the net has another operation, which could move channels.
    """
    modules = dict(model.named_modules())
    by_name: dict[str, tuple[Index, ...]] = {}
    spaces, layers = follow(model, masks)
    for name, node in layers.items():
        outputs = _kept(spaces.mask(node))
        if isinstance(modules[name], nn.BatchNorm1d | nn.BatchNorm2d):
            for key in ("weight", "bias", "running_mean", "running_var"):
                by_name[f"{name}.{key}"] = (outputs,)
            continue
        mask = None if is_depthwise(modules[name]) else spaces.mask(node.all_input_nodes[0])
        if isinstance(modules[name], nn.Linear) and mask is not None:
            # A flattening laid the values of each channel side by side.
            mask = mask.repeat_interleave(modules[name].in_features // len(mask))
        inputs = _kept(mask)
        by_name[f"{name}.weight"] = (outputs, inputs)
        by_name[f"{name}.bias"] = (outputs,)
    return KeptIndices(by_name)


def _kept(mask: Tensor | None) -> Index:
    """Kept channels; None where all are."""
    return None if mask is None else mask.nonzero().flatten()
