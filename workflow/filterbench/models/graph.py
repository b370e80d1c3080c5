"""The graph of a net's operations."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from torch import fx, nn

_GRAPHS: WeakKeyDictionary[nn.Module, fx.Graph] = WeakKeyDictionary()


def graph_of(model: nn.Module) -> fx.Graph:
    """A net's graph, traced once per net, because a search needs it for every candidate.

    Args:
        model: a net whose layers do not change; its weights may.
    """
    if model not in _GRAPHS:
        _GRAPHS[model] = fx.symbolic_trace(model).graph
    return _GRAPHS[model]


def norms_after(model: nn.Module, graph: fx.Graph | None = None) -> dict[str, str]:
    """By name of a layer, the BatchNorm that takes its output.

    Args:
        model: a net whose convolutions are each followed by their own BatchNorm, or by none.
        graph: of a net with the same layers, to avoid tracing.
    """
    modules = dict(model.named_modules())
    return {
        str(node.args[0].target): str(node.target)
        for node in (graph or graph_of(model)).nodes
        if node.op == "call_module" and isinstance(modules[str(node.target)], nn.BatchNorm2d)
    }
