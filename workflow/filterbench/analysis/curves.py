"""Pruners compared at equal budget: accuracy along each pruner's curve, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from filterbench.analysis.seeds import t_interval


def accuracy_at(cells: pd.DataFrame, cost: str, factor: float) -> float:
    """Accuracy of one pruner at a compression factor, or NaN where its cells do not reach so far.

    Linear between the neighbouring cells on the logarithm of the factor, the scale of the figures; the
    unpruned net is the curve's start.

    Args:
        cells: the feasible cells of one pruner, model and seed.
        cost: `params` or `flops`.
        factor: original count over pruned count, at least 1.
    """
    if cells.empty:
        return math.nan
    factors = cells[f"{cost}_original"].to_numpy() / cells[f"{cost}_speedup"].to_numpy()
    points = np.log([1.0, *factors])
    accuracies = np.array([cells["performance_original"].iloc[0], *cells["performance_finetuned"]])
    order = np.argsort(points, kind="stable")
    if math.log(factor) > points.max():
        return math.nan
    return float(np.interp(math.log(factor), points[order], accuracies[order]))


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences, in percentage points.

    Attributes:
        pairs: one difference a model and seed.
        mean: their mean, or NaN without pairs.
        low: lower end of the 95 % t interval of the mean; NaN with fewer than two pairs.
        high: its upper end.
    """

    pairs: dict[str, float]
    mean: float
    low: float
    high: float


def difference(
    table: pd.DataFrame, these: Sequence[str], those: Sequence[str], cost: str, factors: Sequence[float]
) -> Difference:
    """How much more accurate some pruners are than others at equal budgets.

    For each model and seed: the mean, over the factors that all the pruners reach, of the mean accuracy of
    `these` minus that of `those`. Models and seeds are the independent units; budgets of one net are not.

    Args:
        table: cells of any models and seeds.
        these: pruners.
        those: the pruners they are compared with.
        cost: `params` or `flops`.
        factors: compression factors at which to compare.
    """
    pairs = {}
    for (model, seed), cells in table[table["infeasible"].isna()].groupby(["model", "seed"], sort=False):
        found = []
        for factor in factors:
            one, other = (
                [accuracy_at(cells[cells["pruner"] == name], cost, factor) for name in names]
                for names in (these, those)
            )
            found.append(100 * (np.mean(one) - np.mean(other)))
        reached = [value for value in found if not math.isnan(value)]
        if reached:
            pairs[f"{model}, seed {seed}"] = float(np.mean(reached))
    return summarise(pairs)


def summarise(pairs: dict[str, float]) -> Difference:
    """Mean and 95 % t interval of independent differences."""
    values = list(pairs.values())
    return Difference(pairs, float(np.mean(values)) if values else math.nan, *t_interval(values))
