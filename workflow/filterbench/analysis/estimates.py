"""Mean differences with intervals: pooled over targets, and for each target, simultaneously."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypedDict

import pandas as pd

from filterbench.analysis.seeds import CONFIDENCE, sidak, t_interval

DIGITS = 4


class EstimateDocument(TypedDict):
    """An estimate in a JSON document, which has null in place of NaN."""

    n: int
    mean: float | None
    low: float | None
    high: float | None
    collapsed: int
    mean_all: float | None


@dataclass(frozen=True)
class Estimate:
    """A mean difference over units, in percentage points: seeds, or models with the means over their seeds.

    Attributes:
        n: number of units that mean and interval rest on: those with a seed without a collapsed net.
        mean: their mean; NaN without any.
        low: lower end of its interval; NaN for fewer than three units, or where all are equal.
        high: its upper end.
        collapsed: number of seeds that are left out, because a net of the pair collapsed.
        mean_all: the mean over all units, these seeds included.
    """

    n: int
    mean: float
    low: float
    high: float
    collapsed: int
    mean_all: float

    def document(self) -> EstimateDocument:
        """The estimate as JSON documents hold it."""
        return {
            "n": self.n,
            "mean": json_number(self.mean),
            "low": json_number(self.low),
            "high": json_number(self.high),
            "collapsed": self.collapsed,
            "mean_all": json_number(self.mean_all),
        }


def json_number(value: float, digits: int = DIGITS) -> float | None:
    """A rounded number for JSON, which has no NaN: None in its place."""
    return None if math.isnan(value) else round(float(value), digits)


def pooled(differences: pd.DataFrame, apart: pd.DataFrame, level: float = CONFIDENCE) -> Estimate:
    """The mean over targets within each seed, then over units (t interval, Student 1908).

    Args:
        differences: percentage points; rows are seeds, or models and seeds, columns targets. Seeds that lack
            a target are left out: means over other targets are not comparable.
        apart: bool, of the same shape: whether a net of the pair collapsed. Such a seed is left out whole.
        level: probability that such intervals contain the true mean of seeds without a collapse, 0 to 1.
    """
    return _estimate(*_pooled_seeds(differences, apart), level)


def pooled_values(differences: pd.DataFrame, apart: pd.DataFrame) -> pd.Series:
    """By unit the mean over targets, of those seeds that have them all and no collapsed net."""
    values, fell = _pooled_seeds(differences, apart)
    return kept_of(values, fell)


def over_units(values: pd.Series) -> pd.Series:
    """Values by seed as they are, or values by model and seed as means over the seeds of each model."""
    return values if values.index.nlevels == 1 else values.groupby(level="model", sort=False).mean()


def _pooled_seeds(differences: pd.DataFrame, apart: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    complete = differences.dropna()
    return complete.mean(axis=1), apart.loc[complete.index].any(axis=1)


def by_target(
    differences: pd.DataFrame, apart: pd.DataFrame, level: float = CONFIDENCE
) -> dict[Hashable, Estimate]:
    """The mean of each target over its seeds, with intervals that all contain their true means together.

    Args:
        differences: percentage points; rows as for `pooled`, columns targets; NaN where a seed has none.
        apart: bool, of the same shape: whether a net of the pair collapsed. That seed is left out there.
        level: probability that all intervals contain their true means, 0 to 1. Each is a t interval at the
            level's root of the number of targets (Sidak 1967), which docs/verdicts.md compares with others.
    """
    each = sidak(len(differences.columns), level)
    return {target: _estimate(values, apart[target], each) for target, values in differences.items()}


def kept_of(values: pd.Series, apart: pd.Series) -> pd.Series:
    """Of one target the differences by unit, of those seeds that have one and no collapsed net."""
    return over_units(values[values.notna() & ~apart])


def _estimate(values: pd.Series, apart: pd.Series, level: float) -> Estimate:
    kept, everything = kept_of(values, apart), over_units(values.dropna())
    low, high = t_interval(kept.to_list(), level)
    fell = int((values.notna() & apart).sum())
    return Estimate(len(kept), float(kept.mean()), low, high, fell, float(everything.mean()))
