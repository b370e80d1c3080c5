"""The target of a cell: a sparsity, or a budget of FLOPs or latency.

This module imports neither torch nor NNI, so that a study can be checked quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SPARSITY = "sparsity"
# Name of the record of a search path to all targets of a kind.
TRAJECTORY_NAME = "trajectory"
# The kinds of budgets, with their names in figures.
BUDGETS = {"flops": "FLOPs", "latency": "latency"}


@dataclass(frozen=True)
class Target:
    """A sparsity or a budget.

    Attributes:
        kind: `sparsity`, or a key of `BUDGETS`.
        value: share of the filters to prune or, for a budget, the largest allowed share of the original;
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
        """Name of the curve of a pruner's cells with targets of this kind, in figures."""
        return pruner if self.kind == SPARSITY else pruner + curve_suffix(self.kind)


def curve_suffix(kind: str) -> str:
    """Suffix of a pruner's name in figures, for its cells under a kind of budget."""
    return f" ({BUDGETS[kind]} budget)"


def parse_target(text: str) -> Target:
    """The target of a folder's name, such as `0.5` or `flops-0.5`."""
    for kind in BUDGETS:
        if text.startswith(f"{kind}-"):
            return Target(kind, float(text.removeprefix(f"{kind}-")))
    return Target(SPARSITY, float(text))


def target_of(cell: Mapping[str, Any]) -> Target:
    """The target of a cell that a document records."""
    (kind,) = [kind for kind in (SPARSITY, *BUDGETS) if kind in cell]
    return Target(kind, cell[kind])
