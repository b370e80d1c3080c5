"""Which controls of a pruner a study has, by name (docs/controls.md)."""

from __future__ import annotations

from collections.abc import Collection

from filterbench.domain.controls import LAYERS, UNIFORM, UNIFORM_ABOVE, UNIFORM_FLOPS, UNIFORM_SPARING

# The only such control whose name does not contain its pruner's name.
OF_ANNEALING = {"SimulatedAnnealingPruner": "UniformAllocationPruner"}


def uniform_names(pruner: str) -> list[str]:
    """The possible names of the control with one sparsity for all layers and as many params as a pruner."""
    of_any_pruner = [f"{prefix}{pruner}" for prefix in (UNIFORM, UNIFORM_ABOVE, UNIFORM_SPARING)]
    return [*filter(None, [OF_ANNEALING.get(pruner)]), *of_any_pruner]


def uniform_of(pruner: str, pruners: Collection[str]) -> str:
    """The control of `uniform_names` that is among a study's pruners; empty if there is no such control."""
    return next((name for name in uniform_names(pruner) if name in pruners), "")


def uniform_flops_of(pruner: str) -> str:
    """The control with one sparsity for all layers and as many FLOPs as a pruner."""
    return f"{UNIFORM_FLOPS}{pruner}"


def layers_of(pruner: str) -> str:
    """The control with a pruner's layer counts, cut from the unpruned net."""
    return f"{LAYERS}{pruner}"


def with_uniform(pruners: Collection[str]) -> dict[str, str]:
    """By pruner, in the study's order, the control of `uniform_of`; pruners without one are left out."""
    found = {pruner: uniform_of(pruner, pruners) for pruner in pruners}
    return {pruner: control for pruner, control in found.items() if control}
