"""Which channels of a net go together: what its graph says of where each layer's channels go.

Channels pass unchanged through operations that are known to leave them in place, and a sum needs the channels
that any of its terms keeps.
"""

from __future__ import annotations

import operator
from collections.abc import Container, Mapping
from itertools import count
from typing import Generic, TypeVar

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from filterbench.models.depthwise import is_depthwise
from filterbench.models.graph import graph_of
from filterbench.storage.errors import InputError

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

Sources = frozenset[str] | None
# What `|` joins: channels, or names of convolutions.
Mask = TypeVar("Mask", Tensor, frozenset[str])


def channel_sources(model: nn.Module) -> dict[str, tuple[Sources, Sources]]:
    """Which convolutions decide how many channels a layer has.

    Returns:
        By name of a layer's call (see `call_name`), for its input and its output: the convolutions any of
        which may keep a channel, or None where no mask can remove one.
    """
    convolutions = (name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    spaces, _ = follow(model, {name: frozenset({name}) for name in convolutions})
    sources: dict[str, tuple[Sources, Sources]] = {}
    for node in graph_of(model).nodes:
        if node.op == "call_module":
            name = call_name(str(node.target), sources)
            sources[name] = spaces.mask(node.all_input_nodes[0]), spaces.mask(node)
    return sources


def call_name(layer: str, earlier: Container[str]) -> str:
    """The name of a call of a layer: the layer's own, with `#2`, `#3` and so on where it is called again."""
    if layer not in earlier:
        return layer
    return next(name for number in count(2) if (name := f"{layer}#{number}") not in earlier)


def follow(model: nn.Module, masks: Mapping[str, Mask]) -> tuple[Spaces[Mask], dict[str, fx.Node]]:
    """The channels of a net's graph, and the calls of its layers with parameters by name, in order.

    Args:
        model: a net of convolutions, linear layers, means over height and width, and what `LAYERS`,
            `FUNCTIONS`, `METHODS` and `SUMS` list.
        masks: by name of a convolution.

    Raises:
        InputError: the net has another operation, which could move channels, or calls a layer with weights
            twice.
    """
    modules = dict(model.named_modules())
    spaces = Spaces[Mask]()
    layers: dict[str, fx.Node] = {}
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
            name = str(node.target)
            if name in layers:
                raise InputError(f"the net calls {name} twice; allowed: once, for a layer with weights")
            layers[name] = node
    return spaces, layers


class Spaces(Generic[Mask]):
    """Which nodes of a graph have the same channels (a union-find), and their masks."""

    def __init__(self) -> None:
        self._parent: dict[fx.Node, fx.Node] = {}
        self._mask: dict[fx.Node, Mask | None] = {}

    def start(self, node: fx.Node, mask: Mask | None) -> None:
        """A node has channels of its own, with this mask."""
        self._parent[node] = node
        self._mask[node] = mask

    def fix(self, node: fx.Node) -> None:
        """No mask removes channels of a node."""
        self._mask[self._root(node)] = None

    def join(self, node: fx.Node, *inputs: fx.Node) -> None:
        """A node has the channels of its inputs, which are the same; what one of them keeps, all keep."""
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
        groups = (
            f" with groups={module.groups}" if isinstance(module, nn.Conv2d) and module.groups > 1 else ""
        )
        return f"{type(module).__name__}{groups}"
    return str(getattr(node.target, "__name__", node.target))
