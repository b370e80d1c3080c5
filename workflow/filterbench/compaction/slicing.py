"""A quick channel slicer: the compact form of a masked net, from the net's graph alone.

NNI's ModelSpeedup finds by experiment what a mask makes useless, which takes seconds. Here the graph says it,
in milliseconds: channels pass unchanged through operations that are known to leave them in place, and a sum
needs the channels that any of its terms keeps. A search evaluates its candidates in this form; the `speedup`
stage uses NNI.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from filterbench.compaction.masks import ChannelMasks
from filterbench.models.depthwise import is_depthwise
from filterbench.models.graph import graph_of
from filterbench.models.rebuilding import resize_layers
from filterbench.storage.errors import InputError
from filterbench.storage.weights import Weights

# Operations that add the channels of their inputs.
SUMS = (operator.add, operator.iadd, torch.add, "add", "add_")
# Operations that leave each channel in its place, and zeros zero.
LAYERS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardswish, nn.SiLU, nn.GELU),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Identity, nn.Dropout),
)
FUNCTIONS = (
    *(functional.relu, functional.relu6, functional.leaky_relu, functional.hardswish, functional.silu),
    *(functional.gelu, functional.max_pool2d, functional.avg_pool2d, functional.adaptive_avg_pool2d),
    *(functional.dropout, torch.relu, torch.flatten),
)
METHODS = ("relu", "flatten", "contiguous")
# Operations that move channels: those before and after them all stay.
MOVES = (functional.pad,)
MEANS = (torch.mean, "mean")
# Dimensions of (batch, channels, height, width).
PLACES = {2, 3}
ALLOWED = (
    "Conv2d",
    "Linear",
    "sums",
    "means over height and width",
    *(layer.__name__ for layer in LAYERS),
    "and their functions",
)

Index = Tensor | None
Sources = frozenset[str] | None
# What `|` joins: channels, or names of convolutions.
Mask = TypeVar("Mask", Tensor, frozenset[str])


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
        model: a net of convolutions, linear layers, means over height and width, and what `LAYERS`,
            `FUNCTIONS`, `METHODS` and `SUMS` list.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.

    Raises:
        InputError: the net has another operation, which could move channels.
    """
    modules = dict(model.named_modules())
    by_name: dict[str, tuple[Index, ...]] = {}
    spaces, layers = _follow(model, masks)
    for name, node in layers:
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


def moves_channels(model: nn.Module) -> bool:
    """Whether a net has an operation that moves channels, such as the padding of a shortcut."""
    return any(node.target in MOVES for node in graph_of(model).nodes)


def _kept(mask: Tensor | None) -> Index:
    """Kept channels; None where all are."""
    return None if mask is None else mask.nonzero().flatten()


def _makes_channels(module: nn.Module | None) -> bool:
    """Whether a layer's output channels are its own, not those of its input."""
    grouped = isinstance(module, nn.Conv2d) and module.groups > 1
    return isinstance(module, nn.Conv2d | nn.Linear) and not grouped


def _is_sum(node: fx.Node) -> bool:
    """Whether an operation adds values of the net and nothing else (a constant would change zeros)."""
    terms = all(isinstance(argument, fx.Node) for argument in node.args)
    return node.op in ("call_function", "call_method") and node.target in SUMS and terms


def _keeps_channels(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether an operation leaves the channels of its one input in their places, and zeros zero."""
    if module is not None:
        return isinstance(module, LAYERS) or is_depthwise(module)
    return node.target in (FUNCTIONS if node.op == "call_function" else METHODS) or _is_global_pooling(node)


def _is_global_pooling(node: fx.Node) -> bool:
    """Whether an operation is a mean over height and width, such as `x.mean((2, 3))`."""
    over = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    places = {place % 4 for place in over if isinstance(place, int)} if isinstance(over, tuple | list) else ()
    return node.target in MEANS and places == PLACES


def _described(node: fx.Node, module: nn.Module | None) -> str:
    if module is not None:
        return type(module).__name__
    return str(getattr(node.target, "__name__", node.target))


def channel_sources(model: nn.Module) -> dict[str, tuple[Sources, Sources]]:
    """Which convolutions decide how many channels a layer has.

    Returns:
        By name of a layer with parameters, for its input and its output: the convolutions any of which may
        keep a channel, or None where no mask can remove one.
    """
    convolutions = (name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    spaces, layers = _follow(model, {name: frozenset({name}) for name in convolutions})
    return {name: (spaces.mask(node.all_input_nodes[0]), spaces.mask(node)) for name, node in layers}


def _follow(model: nn.Module, masks: Mapping[str, Mask]) -> tuple[_Spaces[Mask], list[tuple[str, fx.Node]]]:
    """The channels of a net's graph, and its layers with parameters, in order.

    Args:
        model: see `kept_indices`.
        masks: by name of a convolution.
    """
    modules = dict(model.named_modules())
    spaces = _Spaces[Mask]()
    layers: list[tuple[str, fx.Node]] = []
    for node in graph_of(model).nodes:
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        if node.op == "placeholder" or _makes_channels(module):
            spaces.start(node, masks.get(str(node.target)))
        elif node.op == "output":
            continue
        elif node.target in MOVES:
            spaces.fix(*node.all_input_nodes)
            spaces.start(node, None)
        elif _is_sum(node) or _keeps_channels(node, module):
            spaces.join(node, *node.all_input_nodes)
        else:
            raise InputError(
                f"the net's operation {_described(node, module)} ({node.name}) is unknown to the channel "
                f"slicer; allowed: {', '.join(ALLOWED)}"
            )
        if module is not None and next(module.parameters(recurse=False), None) is not None:
            layers.append((str(node.target), node))
    return spaces, layers


class _Spaces(Generic[Mask]):
    """Which nodes of a graph have the same channels (a union-find), and their masks."""

    def __init__(self) -> None:
        self._parent: dict[fx.Node, fx.Node] = {}
        self._mask: dict[fx.Node, Mask | None] = {}

    def start(self, node: fx.Node, mask: Mask | None) -> None:
        self._parent[node] = node
        self._mask[node] = mask

    def fix(self, node: fx.Node) -> None:
        """No mask removes channels of a node."""
        self._mask[self._root(node)] = None

    def join(self, node: fx.Node, *inputs: fx.Node) -> None:
        first, *others = map(self._root, inputs)
        self._parent[node] = first
        for other in others:
            if other is not first:
                mask, more = self._mask[first], self._mask[other]
                self._mask[first] = mask | more if mask is not None and more is not None else None
                self._parent[other] = first

    def _root(self, node: fx.Node) -> fx.Node:
        while self._parent[node] is not node:
            node = self._parent[node]
        return node

    def mask(self, node: fx.Node) -> Mask | None:
        """The joined masks of the layers that make a node's channels; None where one has no mask."""
        return self._mask[self._root(node)]
