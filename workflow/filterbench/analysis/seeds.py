"""What the seeds of a cell say together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

LEVEL = 0.95


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % confidence interval of a mean (Student 1908); NaN with fewer than two values."""
    if len(values) < 2:
        return math.nan, math.nan
    # Its import takes a second, which a study of one seed can spare.
    from scipy import stats

    mean, error = float(np.mean(values)), float(stats.sem(values))
    if not error:
        return mean, mean
    low, high = stats.t.interval(LEVEL, len(values) - 1, loc=mean, scale=error)
    return float(low), float(high)


def statistics(values: pd.Series) -> dict[str, float]:
    """Number, mean, sample standard deviation and 95 % t interval of the values that are there."""
    known = values.dropna()
    low, high = t_interval(known.to_list())
    return {"n": len(known), "mean": known.mean(), "std": known.std(), "low": low, "high": high}


def with_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """The table with what all seeds of a cell say of its accuracy, the same in the rows of all seeds.

    Adds `seeds` (how many made the cell), `performance_mean`, `performance_std` (of a sample) and
    `performance_low`, `performance_high` (95 % t interval of the mean); the last three are NaN for one seed.
    """
    keys = ["pruner", "sparsity"]
    cells = table.groupby(keys, sort=False)["performance_finetuned"]
    found = pd.DataFrame({key: statistics(values) for key, values in cells}).T
    found.index.names = keys
    found["n"] = found["n"].astype(int)
    names = {name: f"performance_{name}" for name in found.columns}
    return table.join(found.rename(columns=names | {"n": "seeds"}), on=keys)
