"""Pruning to a given number of filters per layer; the ranking only chooses which filters."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from filterbench.compaction.channels import channel_sources
from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.documents.parts import LayerRecord
from filterbench.domain.rates import Layers, Rate
from filterbench.models.depthwise import depthwise_sources, mask_depthwise
from filterbench.models.paper_layers import layers_of_net
from filterbench.models.rebuilding import draw_fresh_weights
from filterbench.pruners.nni import layer_mask
from filterbench.pruners.search.search import Search, derived_seed
from filterbench.pruners.uniform import prunable_convolutions
from filterbench.storage.errors import InputError


@dataclass(frozen=True)
class GivenLayers:
    """Each convolution keeps a given number of filters, by default those of largest L1 norm.

    The filters of a layer are ranked as L1Filter ranks them (Li et al. 2016, arXiv:1608.08710, section 3.1),
    or as L2Filter or FPGM does.

    Attributes:
        layers: the convolutions by `name`, and how many filters each keeps (`kept`, at least 1), as in
            `layers` of `prune.json`.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
    """

    layers: Sequence[LayerRecord]
    base_algo: str = "l1"

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; here the layers decide, not the sparsity."""
        kept = {layer["name"]: layer["kept"] for layer in self.layers}
        masks: ChannelMasks = {}
        for names in self.ranked_together(model):
            mask = largest_filters(model, names, kept[names[0]], self.base_algo)
            masks |= {name: mask.clone() for name in names}
        mask_depthwise(model, masks)
        apply_masks(model, masks)
        return PrunedNet(model, masks)

    def ranked_together(self, model: nn.Module) -> Iterator[list[str]]:
        """The convolutions, grouped where they lose the same filters: here each by itself."""
        for name in prunable_convolutions(model):
            yield [name]


class GivenCompactLayers(GivenLayers):
    """The same for the layers of a compact net.

    There, convolutions whose outputs are summed have the same channels. So they are ranked together, by the
    sum of their norms, and the pruned net has the same shapes as the given one.
    """

    def ranked_together(self, model: nn.Module) -> Iterator[list[str]]:
        """The convolutions, grouped where their outputs are summed."""
        yield from summed_together(model)


@dataclass(frozen=True)
class GivenRoundLayers(GivenLayers):
    """The same for the layers of a net pruned in rounds, which is compact after several of them.

    Attributes:
        rounds: how many there were, from 1.
    """

    rounds: int = 1

    def ranked_together(self, model: nn.Module) -> Iterator[list[str]]:
        """See `GivenLayers`, and `GivenCompactLayers` after several rounds."""
        yield from summed_together(model) if self.rounds > 1 else super().ranked_together(model)


@dataclass(frozen=True)
class OwnLayers:
    """Each convolution keeps what the user says: any paper's architecture, or a net pruned by hand.

    Attributes:
        layers: see `filterbench.models.paper_layers.layers_of_net`.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.
        weights: `trained` keeps those of the unpruned net; `fresh` draws new ones by the seed.
    """

    layers: Layers
    base_algo: str = "l1"
    weights: str = "trained"

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`; here the layers decide, not the sparsity.

        Raises:
            InputError: the layers do not fit the net.
        """
        kept, channels = layers_that_fit(self.layers, model), channels_to_keep(model)
        if self.weights == "fresh":
            fresh = copy.deepcopy(model).cpu()
            draw_fresh_weights(fresh, derived_seed(search.seed))
            model.load_state_dict(fresh.state_dict())
        records: list[LayerRecord] = [
            {"name": name, "channels": count, "kept": kept[name]} for name, count in channels.items()
        ]
        return GivenLayers(records, self.base_algo).prune(model, sparsity, search)


def layers_that_fit(layers: Layers, model: nn.Module) -> dict[str, int]:
    """How many filters each convolution of a net keeps that can be pruned, by name and in the net's order.

    Depthwise convolutions follow others. They can be named, as in a cell's documents, with as many filters.

    Args:
        layers: see `filterbench.models.paper_layers.layers_of_net`.
        model: the net; it can be on the meta device.

    Raises:
        InputError: the layers do not fit the net.
    """
    channels = channels_to_keep(model)
    if not isinstance(layers, Mapping):
        return layers_of_net(layers, channels)
    sources = depthwise_sources(model)
    kept = layers_of_net({name: own for name, own in layers.items() if name not in sources}, channels)
    counts: dict[str, Rate] = {**kept}
    for name, source in sources.items():
        counts[name] = counts[source]
        if layers.get(name, counts[name]) != counts[name]:
            raise InputError(
                f"{name}: {layers[name]} filters; allowed: {counts[name]}, as many as {source} keeps, whose "
                "channels it has"
            )
    return kept


def channels_to_keep(model: nn.Module) -> dict[str, int]:
    """The filters of each convolution that can be pruned, by name and in the net's order."""
    return {name: module.out_channels for name, module in prunable_convolutions(model).items()}


def summed_together(model: nn.Module) -> list[list[str]]:
    """The convolutions that can be pruned, in the net's order, grouped where their outputs are summed."""
    together: dict[frozenset[str], list[str]] = {}
    sources = channel_sources(model)
    for name in prunable_convolutions(model):
        _, makers = sources[name]
        together.setdefault(makers or frozenset({name}), []).append(name)
    return list(together.values())


def largest_filters(model: nn.Module, names: list[str], kept: int, base_algo: str) -> torch.Tensor:
    """The filters of largest norm of one convolution, or of several as if they were one.

    Args:
        model: the net; it is not changed.
        names: of convolutions with the same number of filters.
        kept: how many filters stay, from 1.
        base_algo: `l1`, `l2` or `fpgm`, which ranks the filters.

    Returns:
        bool, (output channels,): true where kept.
    """
    first, *others = (prunable_convolutions(model)[name] for name in names)
    convolution = first
    if others:
        rows = torch.cat([each.weight.detach().flatten(1) for each in (first, *others)], dim=1)
        convolution = nn.Conv2d(rows.shape[1], len(rows), 1, bias=False, device="meta")
        convolution.weight = nn.Parameter(rows[:, :, None, None])
    return layer_mask(base_algo, convolution, convolution.out_channels - kept)
