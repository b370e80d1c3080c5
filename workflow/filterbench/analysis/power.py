"""One-sided t tests: their power, and p-values corrected for their number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from filterbench.analysis.seeds import NO_SPREAD


def power(distance: float, spread: float, units: ArrayLike, alpha: float) -> np.ndarray:
    """Probability that a one-sided t test finds a mean beyond a bound (noncentral t; Cohen 1988, chapter 2).

    Args:
        distance: how far the true mean lies beyond the bound; negative where it does not, infinite where
            there is no bound.
        spread: standard deviation of the units, from 0, in the unit of the distance.
        units: numbers of units, from 2.
        alpha: level of the test.

    Returns:
        Of the shape of `units`.
    """
    # Importing scipy.stats takes time, which most studies can spare.
    from scipy.stats import nct, t

    number = np.asarray(units)
    if math.isinf(distance) or math.isclose(spread, 0, abs_tol=NO_SPREAD):
        return np.ones(number.shape)
    return np.asarray(nct.sf(t.isf(alpha, number - 1), number - 1, distance * np.sqrt(number) / spread))


def holm(p: Sequence[float]) -> np.ndarray:
    """P-values corrected for their number, by Holm's step-down procedure (Holm 1979), in the given order."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected
