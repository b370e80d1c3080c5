"""NNI 2.10.1's pruners (archived upstream); its counter is in `filterbench.costs.nni`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from filterbench.compaction.masks import apply_masks
from filterbench.costs.nni import quieten_nni
from filterbench.models.depthwise import depthwise_names, mask_depthwise

# NNI warns about optional trainers that are not used here, and logs every layer that it visits.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nni.algorithms.compression.pytorch import pruning
    from nni.algorithms.compression.pytorch.pruning.iterative_pruner import ADMMPruner
    from nni.algorithms.compression.pytorch.pruning.structured_pruning_masker import (
        FPGMPrunerMasker,
        L1FilterPrunerMasker,
        L2FilterPrunerMasker,
    )
    from nni.compression.pytorch.compressor import PrunerModuleWrapper

quieten_nni()

__all__ = ["ADMMPruner", "FPGMPrunerMasker"]

# An entry of NNI's config list.
Config = dict[str, object]
BASE_ALGORITHMS = {"l1": "L1FilterPruner", "l2": "L2FilterPruner", "fpgm": "FPGMPruner"}


def _distance_sum(masker: FPGMPrunerMasker, weight: Tensor, index: int) -> Tensor:
    """Sum of one filter's Euclidean distances to all filters, equal to NNI's to the last bit.

    NNI allocates three arrays of the layer's size for each filter, which the system maps page by page:
    25 s for a full-width VGG16. With one array kept for the layer it takes 2 s.
    """
    filters = weight.view(len(weight), -1)
    if getattr(masker, "differences", None) is None or masker.differences.shape != filters.shape:
        masker.differences = torch.empty_like(filters)
    torch.sub(filters, filters[index], out=masker.differences)
    return masker.differences.square_().sum(-1).sqrt_().sum()


NNI_DISTANCE_SUM = FPGMPrunerMasker._get_distance_sum
FPGMPrunerMasker._get_distance_sum = _distance_sum


def _mask_by_norm(
    masker: L1FilterPrunerMasker | L2FilterPrunerMasker,
    base_mask: dict[str, Tensor | None],
    weight: Tensor,
    num_prune: int,
    wrapper: PrunerModuleWrapper,
    wrapper_idx: int,
    channel_masks: Tensor | None = None,
) -> dict[str, Tensor | None]:
    """NNI's mask of one layer; of filters with equal norms, the first are masked.

    NNI masks all filters whose norm is that of the last one to mask: of a layer of equal filters, all.
    """
    norms = masker.get_channel_sum(wrapper, wrapper_idx)
    if channel_masks is not None:
        norms = norms * channel_masks
    kept = torch.ones_like(norms)
    kept[norms.argsort(stable=True)[:num_prune]] = 0
    rows = kept[:, None, None, None].expand_as(weight)
    return {"weight_mask": rows, "bias_mask": None if base_mask["bias_mask"] is None else kept}


L1FilterPrunerMasker.get_mask = L2FilterPrunerMasker.get_mask = _mask_by_norm


def filter_masks(
    class_name: str, model: nn.Module, sparsity: float, *, spared: Sequence[str] = (), **arguments: object
) -> dict[str, Tensor]:
    """Prune all convolutions with one of NNI's one-shot pruners, and multiply its masks into the weights.

    Args:
        class_name: NNI's class, such as `L1FilterPruner`.
        model: the net; it is changed.
        sparsity: share of each convolution's filters to mask, above 0 and below 1.
        spared: convolutions that stay whole, by name.
        arguments: the class's own arguments.

    Returns:
        By name of a convolution, bool of shape (output channels,): true where kept.
    """
    config: list[Config] = [{"sparsity": sparsity, "op_types": ["Conv2d"]}]
    # Depthwise ones follow other convolutions.
    if excluded := [*depthwise_names(model), *spared]:
        config.append({"exclude": True, "op_types": ["Conv2d"], "op_names": excluded})
    pruner = getattr(pruning, class_name)(filters_as_rows(model), config, **arguments)
    masks = wrapped_masks(pruner.compress())
    pruner._unwrap_model()
    for name in spared:
        weight = model.get_parameter(f"{name}.weight")
        masks[name] = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
    apply_masks(model, masks)
    return masks


def convolution_config(name: str, sparsity: float) -> Config:
    """The entry of NNI's config list for one convolution."""
    return {"sparsity": sparsity, "op_types": ["Conv2d"], "op_names": [name]}


def masked_by(base_algo: str, model: nn.Module, config: list[Config]) -> nn.Module:
    """A net with NNI's masks around those convolutions that a config list names.

    Args:
        base_algo: `l1`, `l2` or `fpgm`.
        model: the net; it is changed.
        config: NNI's config list, with one entry per convolution.
    """
    return getattr(pruning, BASE_ALGORITHMS[base_algo])(filters_as_rows(model), config).compress()


def layer_mask(base_algo: str, convolution: nn.Conv2d, filters: int, already: Tensor | None = None) -> Tensor:
    """NNI's mask of one convolution, bool of shape (output channels,): true where kept.

    Args:
        base_algo: `l1`, `l2` or `fpgm`.
        convolution: it is not changed.
        filters: how many to mask in all, from 0 and below the number of channels.
        already: an earlier mask, which stays; only the filters that it keeps are ranked.
    """
    weight = convolution.weight.detach()
    kept = torch.ones(len(weight), dtype=torch.bool, device=weight.device) if already is None else already
    live = kept.nonzero().flatten()
    more = filters - (len(weight) - len(live))
    if more <= 0:
        return kept.clone()
    # On the meta device, where no initial weights are drawn.
    part = nn.Conv2d(weight.shape[1], len(live), weight.shape[2:], bias=False, device="meta")  # type: ignore[arg-type]
    part.weight = nn.Parameter(weight[live])
    # NNI rounds down to whole filters.
    config = [convolution_config("0", (more + 0.5) / len(live))]
    (mask,) = wrapped_masks(masked_by(base_algo, nn.Sequential(part), config)).values()
    result = torch.zeros_like(kept)
    result[live[mask]] = True
    return result


def filters_as_rows(model: nn.Module) -> nn.Module:
    """The net itself with contiguous filters, because NNI views each as a row."""
    return model.to(memory_format=torch.contiguous_format)


def wrapped_masks(model: nn.Module) -> dict[str, Tensor]:
    """The masks of NNI's wrappers, and those that follow for depthwise convolutions.

    A depthwise convolution gets the mask of the convolution that makes its channels.

    Args:
        model: a net in NNI's wrappers.

    Returns:
        By name of a convolution, bool of shape (output channels,): true where kept.
    """
    masks = {
        module.name: module.weight_mask.flatten(1).bool().any(dim=1)
        for module in model.modules()
        if isinstance(module, PrunerModuleWrapper)
    }
    if depthwise_names(model):
        mask_depthwise(model, masks, _WrapperTracer().trace(model))
    return masks


class _WrapperTracer(fx.Tracer):
    """Treats NNI's wrappers as layers."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, PrunerModuleWrapper) or super().is_leaf_module(module, name)
