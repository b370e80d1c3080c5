"""What a cell asks for: a sparsity, or a budget of FLOPs or of latency.

This module imports neither torch nor NNI, so that a study can be checked quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SPARSITY = "sparsity"
# The record of the search path to all targets of a kind.
TRAJECTORY_NAME = "trajectory"
# The kinds of budgets, with the names that figures call them by.
BUDGETS = {"flops": "FLOPs", "latency": "latency"}


@dataclass(frozen=True)
class Target:
    """A sparsity or a budget.

    Attributes:
        kind: `sparsity`, or a key of `BUDGETS`.
        value: share of the filters to prune or, for a budget, share of the original that may be left;
            above 0 and below 1.
    """

    kind: str
    value: float

    def __str__(self) -> str:
        """As in paths: `0.5` for a sparsity, `flops-0.5` for a budget."""
        return str(self.value) if self.kind == SPARSITY else f"{self.kind}-{self.value}"

    def document(self) -> dict[str, float]:
        """As documents record it."""
        return {self.kind: self.value}

    def curve(self, pruner: str) -> str:
        """What tells a pruner's cells with targets of this kind from its other ones, in figures."""
        return pruner if self.kind == SPARSITY else f"{pruner}{curve_suffix(self.kind)}"


def curve_suffix(kind: str) -> str:
    """What figures append to a pruner's name for its cells under a kind of budget."""
    return f" ({BUDGETS[kind]} budget)"


def parse_target(text: str) -> Target:
    """The target that a path names."""
    for kind in BUDGETS:
        if text.startswith(f"{kind}-"):
            return Target(kind, float(text.removeprefix(f"{kind}-")))
    return Target(SPARSITY, float(text))


def target_of(cell: Mapping[str, Any]) -> Target:
    """The target of a cell as documents record it."""
    (kind,) = [kind for kind in (SPARSITY, *BUDGETS) if kind in cell]
    return Target(kind, cell[kind])
