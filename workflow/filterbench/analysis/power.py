"""Power of one-sided t tests."""

from __future__ import annotations

import math


def power(distance: float, spread: float, units: int, alpha: float) -> float:
    """Probability that a one-sided t test finds a mean beyond a bound (noncentral t; Cohen 1988, chapter 2).

    Args:
        distance: how far the true mean lies beyond the bound; negative where it does not, infinite where
            there is no bound.
        spread: standard deviation of the units, above 0, in the unit of the distance.
        units: number of units, from 2.
        alpha: level of the test.
    """
    # Their import takes time, which most studies can spare.
    from scipy.stats import nct, t

    if math.isinf(distance):
        return 1.0
    return float(nct.sf(t.isf(alpha, units - 1), units - 1, distance * math.sqrt(units) / spread))
