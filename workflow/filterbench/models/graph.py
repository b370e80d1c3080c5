"""The graph of a net's operations."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from torch import fx, nn

_GRAPHS: WeakKeyDictionary[nn.Module, fx.Graph] = WeakKeyDictionary()


def graph_of(model: nn.Module) -> fx.Graph:
    """A net's graph, traced once for each net: a search asks for it with every candidate.

    Args:
        model: a net whose layers stay as they are; what their weights are does not matter.
    """
    if model not in _GRAPHS:
        _GRAPHS[model] = fx.symbolic_trace(model).graph
    return _GRAPHS[model]
