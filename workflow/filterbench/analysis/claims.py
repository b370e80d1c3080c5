"""Claims about differences, the tests that decide them, and how many units would."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from filterbench.analysis.comparing import Comparison
from filterbench.analysis.seeds import FEWEST_UNITS

# Percentage points. Five ResNet-110 runs on CIFAR-10 have a standard deviation of 0.16 points (He et al.
# 2016, arXiv:1512.03385, table 6): two runs of the same thing differ by less than 0.45 in 19 of 20 cases.
MARGIN = 0.5
# Probability of a wrong answer of each one-sided test: an interval of 90 % beyond the margin.
ALPHA = 0.05
POWER = 0.8
MOST_UNITS = 1000
# From this factor on a budget is strict.
STRICT = 8.0

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot tell"


@dataclass(frozen=True)
class Claim:
    """What is claimed of the mean difference of every comparison.

    Attributes:
        lowest: the mean difference lies above it, in percentage points; may be -infinity.
        highest: the mean difference lies below it; may be infinity.
    """

    lowest: float
    highest: float

    def outcome(self, comparison: Comparison, tests: int) -> str:
        """Whether the claim holds of one comparison.

        It holds if the 90 % interval lies inside the claimed range: two one-sided tests (Schuirmann 1987)
        where the range has two ends. It does not hold if the interval lies outside at one end, at a
        level that is divided by the number of tests (Bonferroni), since one of them would refute the claim.

        Args:
            comparison: the differences.
            tests: number of comparisons that the claim is about.
        """
        low, high = comparison.interval(1 - 2 * ALPHA)
        if low > self.lowest and high < self.highest:
            return HOLDS
        low, high = comparison.interval(1 - 2 * ALPHA / tests)
        return FAILS if high < self.lowest or low > self.highest else OPEN

    def distance(self, comparison: Comparison) -> float:
        """How far inside the claimed range the mean difference lies; negative outside."""
        return min(comparison.mean - self.lowest, self.highest - comparison.mean)

    def seen(self, comparison: Comparison) -> str:
        """Whether the claim is so of the mean difference as it is, `holds` or `does not hold`; no verdict."""
        return HOLDS if self.distance(comparison) > 0 else FAILS

    def units_needed(self, comparisons: Sequence[Comparison], tests: int) -> int | None:
        """How many units would decide the claim in 4 of 5 studies, at the means and spreads seen.

        Args:
            comparisons: all that the claim is about.
            tests: their number, as for `outcome`.

        Returns:
            3 to 1000; None where more than 1000 are needed, or the spread is not known.
        """
        against = [each for each in comparisons if self.distance(each) < 0]
        if against:
            # One of them suffices to refute the claim.
            found = [self._needed(each, ALPHA / tests) for each in against]
            return min((units for units in found if units), default=None)
        needed = [self._needed(each, ALPHA) for each in comparisons]
        return None if None in needed else max(units for units in needed if units)

    def _needed(self, comparison: Comparison, alpha: float) -> int | None:
        from scipy.stats import nct, t

        spread = float(np.std(comparison.values, ddof=1)) if len(comparison.values) > 1 else 0.0
        if math.isclose(spread, 0, abs_tol=1e-9):
            return None
        units = np.arange(FEWEST_UNITS, MOST_UNITS + 1)

        def power(distance: float) -> np.ndarray:
            if math.isinf(distance):
                return np.ones(len(units))
            shift = distance * np.sqrt(units) / spread
            return nct.sf(t.isf(alpha, units - 1), units - 1, shift)

        if self.distance(comparison) < 0:
            reached = power(-self.distance(comparison))
        else:
            both = power(comparison.mean - self.lowest), power(self.highest - comparison.mean)
            reached = both[0] + both[1] - 1
        enough = np.flatnonzero(reached >= POWER)
        return int(units[enough[0]]) if len(enough) else None


MORE = Claim(MARGIN, math.inf)
NO_MORE = Claim(-math.inf, MARGIN)
SIMILAR = Claim(-MARGIN, MARGIN)


def over_range(outcomes: Sequence[str]) -> str:
    """The verdict on a claim about all comparisons.

    That it holds of all is an intersection-union test, whose level is that of each single test (Berger
    1982); so it needs no correction.
    """
    if FAILS in outcomes:
        return FAILS
    return HOLDS if outcomes and set(outcomes) == {HOLDS} else OPEN
