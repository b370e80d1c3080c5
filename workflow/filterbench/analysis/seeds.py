"""Statistics over the seeds of a cell, or over other independent units."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

CONFIDENCE = 0.95
# Two values give an interval of 12.7 standard errors, which decides nothing.
MIN_UNITS = 3
# Equal values show no spread; a spread below this one is rounding.
NO_SPREAD = 1e-9


def t_interval(values: Sequence[float], level: float = CONFIDENCE) -> tuple[float, float]:
    """Confidence interval of the mean of independent values (Student 1908).

    Args:
        values: one per unit, such as a seed.
        level: probability, 0 to 1, that such intervals contain the true mean.

    Returns:
        Lower and upper end; both NaN with fewer than three values, or if all are equal: equal values show no
        spread.
    """
    if len(values) < MIN_UNITS or math.isclose(np.ptp(values), 0, abs_tol=NO_SPREAD):
        return math.nan, math.nan
    mean, error = np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))
    reach = error * t_quantile(len(values) - 1, level)
    return float(mean - reach), float(mean + reach)


def t_quantile(degrees: float, level: float) -> float:
    """How many standard errors a t interval of a level reaches to each side.

    Args:
        degrees: of freedom, above 0.
        level: probability, 0 to 1, that such intervals contain the true mean.
    """
    # Importing scipy takes time, which a study of one seed can spare.
    from scipy.special import stdtrit

    return stdtrit(degrees, (1 + level) / 2)


def sidak(intervals: int, level: float = CONFIDENCE) -> float:
    """The level of each of so many independent intervals that all hold together at a level (Sidak 1967)."""
    return level ** (1 / max(1, intervals))


def bonferroni(intervals: int, level: float = CONFIDENCE) -> float:
    """The level of each of so many intervals that all hold together at a level, whatever these are."""
    return 1 - (1 - level) / max(1, intervals)


def statistics(values: pd.Series) -> dict[str, float]:
    """Number, mean, sample standard deviation and 95 % t interval of the values that are there."""
    known = values.dropna()
    low, high = t_interval(known.to_list())
    return {"n": len(known), "mean": known.mean(), "std": known.std(), "low": low, "high": high}


def with_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """The table with statistics of each cell's accuracy over its seeds, the same in the rows of all seeds.

    Adds `seeds` (how many have an accuracy), `performance_mean`, `performance_std` (of a sample; NaN for one
    seed) and `performance_low`, `performance_high` (95 % t interval of the mean; NaN for fewer than three
    seeds, or if all have the same accuracy).
    """
    keys = ["pruner", "sparsity"]
    cells = table.groupby(keys, sort=False)["performance_finetuned"]
    found = pd.DataFrame({key: statistics(values) for key, values in cells}).T
    found.index.names = keys
    found["n"] = found["n"].astype(int)
    names = {name: f"performance_{name}" for name in found.columns}
    found = found.rename(columns=names | {"n": "seeds"})
    return table.drop(columns=list(found), errors="ignore").join(found, on=keys)
