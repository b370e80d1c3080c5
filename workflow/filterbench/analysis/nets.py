"""Accuracies of nets by seed and target, and their differences; both name collapsed and missing nets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from filterbench.analysis.budgets import sparsity_cells
from filterbench.analysis.collapses import collapsed
from filterbench.domain.targets import parse_target

FINETUNED, SCRATCH = "performance_finetuned", "performance_scratch"
# How far beyond the largest training budget the last slope is followed, as a factor of its epochs.
FURTHEST = 1.25


@dataclass(frozen=True)
class Nets:
    """Accuracies of nets, or a difference of some.

    Attributes:
        values: percent or percentage points; rows are seeds, columns targets; NaN where a net is missing.
        apart: bool, of the same shape: whether one of the nets collapsed.
        lacking: the nets of it that the study does not have at all, in words.
    """

    values: pd.DataFrame
    apart: pd.DataFrame
    lacking: tuple[str, ...] = ()

    def __add__(self, other: Nets) -> Nets:
        return self._with(other, self.values + other.values)

    def __sub__(self, other: Nets) -> Nets:
        return self._with(other, self.values - other.values)

    def _with(self, other: Nets, values: pd.DataFrame) -> Nets:
        lacking = tuple(dict.fromkeys((*self.lacking, *other.lacking)))
        return Nets(values, self.apart | other.apart, lacking)

    def at(self, targets: list[str]) -> Nets:
        """The nets at some of the targets."""
        return Nets(self.values[targets], self.apart[targets], self.lacking)


class Cells:
    """The cells of a model that were asked for a sparsity.

    Attributes:
        seeds: of all cells.
        targets: of all cells, as in paths, in rising order.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        """From rows of `comparison.csv`, of one model."""
        cells = sparsity_cells(table)
        cells = cells.assign(target=[str(parse_target(str(each))) for each in cells["sparsity"]])
        self.seeds = sorted(cells["seed"].unique())
        self.targets: list[str] = sorted(cells["target"].unique(), key=float)
        numbers = cells.select_dtypes("number").columns.difference(["seed", "sparsity"])
        self._columns: dict[tuple[str, str], pd.DataFrame] = {}
        self._numbers = {
            pruner: own.set_index(["seed", "target"])[numbers].unstack("target").reindex(self.seeds)
            for pruner, own in cells.groupby("pruner")
        }

    def of(self, pruner: str) -> list[str]:
        """The targets of a pruner."""
        asked = self._numbers[pruner].columns.unique("target") if pruner in self._numbers else ()
        return [target for target in self.targets if target in asked]

    def column(self, pruner: str, name: str) -> pd.DataFrame:
        """A column of a pruner's cells; rows are all seeds, columns all targets; NaN for no value."""
        # A lead's components ask for the same columns, and pandas takes milliseconds for each.
        if (pruner, name) not in self._columns:
            own = self._numbers.get(pruner, pd.DataFrame(index=self.seeds))
            found = pd.DataFrame(own.get(name, {}), index=own.index)
            self._columns[pruner, name] = found.reindex(columns=self.targets).astype(float)
        return self._columns[pruner, name]

    def nets(self, pruner: str, kind: str, budget: int | None) -> Nets:
        """The nets of a pruner at a training budget in epochs; `kind` is `FINETUNED` or `SCRATCH`.

        Without a budget they are those of the study's only fine-tuning.
        """
        values = self.column(pruner, kind if budget is None else f"{kind}_{budget}")
        apart = values.apply(lambda accuracies: collapsed(accuracies.to_list()))
        trained = (
            "trained from scratch"
            if kind == SCRATCH
            else "fine-tuned" + ("" if budget is None else f" for {budget} epochs")
        )
        words = f"nets of {pruner} {trained}" if pruner in self._numbers else f"cells of {pruner}"
        return Nets(100 * values, apart.astype(bool), (words,) if values.isna().all(axis=None) else ())


def at_epochs(curves: Mapping[int, Nets], epochs: pd.DataFrame) -> Nets:
    """Nets as they would be after other numbers of epochs, linear in the logarithm of epochs.

    Args:
        curves: by training budget, in rising order, the nets there.
        epochs: of each net; rows are seeds, columns targets. There is no value below the smallest budget, or
            above `FURTHEST` times the largest one. Just above the largest one the last slope is followed.
    """
    values = pd.DataFrame(math.nan, index=epochs.index, columns=epochs.columns)
    apart = pd.DataFrame(False, index=epochs.index, columns=epochs.columns)
    for place in product(epochs.index, epochs.columns):
        used = _weights(list(curves), float(epochs.loc[place]))
        if used:
            values.loc[place] = sum(used[budget] * curves[budget].values.loc[place] for budget in used)
            apart.loc[place] = any(curves[budget].apart.loc[place] for budget in used)
    lacking = tuple(dict.fromkeys(words for nets in curves.values() for words in nets.lacking))
    return Nets(values, apart, lacking)


def _weights(budgets: list[int], epochs: float) -> dict[int, float]:
    """By training budget, its share in the value at a number of epochs; empty where there is no value."""
    if epochs in budgets:
        return {int(epochs): 1.0}
    if len(budgets) < 2 or not budgets[0] < epochs <= FURTHEST * budgets[-1]:
        return {}
    upper = min(int(np.searchsorted(budgets, epochs)), len(budgets) - 1)
    first, last = budgets[upper - 1], budgets[upper]
    share = math.log(epochs / first) / math.log(last / first)
    return {first: 1 - share, last: share}
