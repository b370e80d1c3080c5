"""Claims about differences, the tests that decide them, and how many units would."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from filterbench.analysis.comparing import Comparison, Pair
from filterbench.analysis.estimates import kept_of, pooled_values
from filterbench.analysis.power import power
from filterbench.analysis.seeds import MIN_UNITS, NO_SPREAD, t_interval

# Percentage points. Five ResNet-110 runs on CIFAR-10 have a standard deviation of 0.16 points (He et al.
# 2016, arXiv:1512.03385, table 6), so two such runs differ by less than 0.45 points in 19 of 20 cases.
MARGIN = 0.5
# Error probability of each one-sided test: the 90 % interval must lie beyond the margin.
ALPHA = 0.05
POWER = 0.8
MAX_UNITS = 1000
UNITS = np.arange(MIN_UNITS, MAX_UNITS + 1)
# From this factor on a budget is strict.
STRICT = 8.0

HOLDS, FAILS, OPEN, NOT_ASKED = "holds", "does not hold", "cannot tell", "not asked"


@dataclass(frozen=True, eq=False)
class Tested:
    """One difference that a claim is tested on.

    Attributes:
        pair: the two pruners.
        cost: `params`, `flops` or `latency`.
        factors: where they are compared: one factor, or all those that the difference is the mean of.
        values: the difference in percentage points, one per unit without a collapsed net.
    """

    pair: Pair
    cost: str
    factors: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of the values; NaN without any."""
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def spread(self) -> float:
        """The sample standard deviation of the values; 0 for fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    def interval(self, alpha: float) -> tuple[float, float]:
        """The t interval that leaves out a probability of `alpha` at each end."""
        return t_interval(self.values, 1 - 2 * alpha)


@dataclass(frozen=True)
class Hypothesis:
    """What is claimed of the mean difference of every pair.

    Attributes:
        lowest: the mean difference is above it, in percentage points; may be -infinity.
        highest: the mean difference is below it; may be infinity.
        pooled: whether the claim is about the mean over a pair's factors; otherwise about each factor.
    """

    lowest: float
    highest: float
    pooled: bool

    def tests(self, comparisons: Sequence[Comparison]) -> list[Tested]:
        """The differences that the claim is tested on: one per comparison, or one per factor of each.

        Params and FLOPs of the same cells give one test.
        """
        found: dict[tuple[Pair, tuple[float, ...]], Tested] = {}
        for each in comparisons:
            for test in self._tests_of(each):
                found.setdefault((test.pair, test.values), test)
        return list(found.values())

    def _tests_of(self, each: Comparison) -> list[Tested]:
        if self.pooled:
            values = pooled_values(each.differences, each.apart)
            return [Tested(each.pair, each.cost, tuple(each.factors), tuple(values))]
        return [
            Tested(each.pair, each.cost, (factor,), tuple(kept_of(values, each.apart[values.name])))
            for factor, (_, values) in zip(each.factors, each.differences.items(), strict=True)
        ]

    def outcome(self, test: Tested, tests: int) -> str:
        """Whether the claim holds of one difference.

        It holds if the 90 % interval lies inside the claimed range. Where the range has two ends, these are
        two one-sided tests (Schuirmann 1987). It does not hold if an interval lies outside at one end. The
        level of that interval is divided by the number of tests (Bonferroni), since any of them could refute
        the claim.

        Here `tests` is the number of differences that the claim is tested on.
        """
        if self.inside(test) > 0:
            return HOLDS
        return FAILS if self.outside(test, tests) > 0 else OPEN

    def inside(self, test: Tested) -> float:
        """How far the 90 % interval lies inside the claimed range, in points; NaN without an interval."""
        low, high = test.interval(ALPHA)
        return min(low - self.lowest, self.highest - high)

    def outside(self, test: Tested, tests: int) -> float:
        """How far the interval that can refute the claim lies outside its range, in points."""
        low, high = test.interval(ALPHA / tests)
        return max(self.lowest - high, low - self.highest)

    def verdict(self, tests: Sequence[Tested]) -> str:
        """The verdict on the claim about all of the differences; `cannot tell` of none."""
        return over_range([self.outcome(test, len(tests)) for test in tests])

    def deciding(self, tests: Sequence[Tested]) -> Tested:
        """The difference that decides the verdict, or keeps it open.

        If the claim does not hold, it is the one whose interval lies furthest outside the range. Otherwise it
        is the one whose interval lies least inside, or that has no interval.
        """
        if self.verdict(tests) == FAILS:
            return max(tests, key=lambda test: _known(self.outside(test, len(tests))))
        return min(tests, key=lambda test: _known(self.inside(test)))

    def distance(self, test: Tested) -> float:
        """How far inside the claimed range the mean difference lies; negative outside."""
        return min(test.mean - self.lowest, self.highest - test.mean)

    def power_if_alike(self, tests: Sequence[Tested], units: int) -> float:
        """The probability that so many units show a claim with two ends if all true differences are zero.

        It assumes the spreads seen and independent differences. That is cautious: differences of pairs with a
        pruner in common are not independent.
        """
        return float(self._powers_if_alike(tests)[units - MIN_UNITS])

    def units_if_alike(self, tests: Sequence[Tested]) -> int | None:
        """How many units would show it in 4 of 5 studies; None if more than 1000 are needed."""
        return _first(self._powers_if_alike(tests) >= POWER)

    def _powers_if_alike(self, tests: Sequence[Tested]) -> np.ndarray:
        """By number of units from 3 to 1000, the power of all tests, each of two one-sided ones, together."""
        margin = min(-self.lowest, self.highest)
        each = [np.maximum(0, 2 * power(margin, test.spread, UNITS, ALPHA) - 1) for test in tests]
        return np.prod(each, axis=0)

    def units_needed(self, tests: Sequence[Tested]) -> int | None:
        """How many units would decide the claim in 4 of 5 studies, at the means and spreads seen.

        Returns:
            3 to 1000; None if more than 1000 are needed, or the spread is not known.
        """
        # One difference outside the range is enough to refute the claim.
        if against := [test for test in tests if self.distance(test) < 0]:
            found = [self._needed(test, ALPHA / len(tests)) for test in against]
            return min((units for units in found if units), default=None)
        needed = [self._needed(test, ALPHA) for test in tests]
        return None if None in needed else max(units for units in needed if units)

    def _needed(self, test: Tested, alpha: float) -> int | None:
        if math.isclose(test.spread, 0, abs_tol=NO_SPREAD):
            return None
        if (distance := self.distance(test)) < 0:
            return _first(power(-distance, test.spread, UNITS, alpha) >= POWER)
        both = (test.mean - self.lowest, self.highest - test.mean)
        reached = np.sum([power(each, test.spread, UNITS, alpha) for each in both], axis=0) - 1
        return _first(reached >= POWER)


def _first(enough: np.ndarray) -> int | None:
    """The smallest number of units that is enough."""
    places = np.flatnonzero(enough)
    return MIN_UNITS + int(places[0]) if len(places) else None


def _known(distance: float) -> float:
    """A distance to sort by; -infinity where there is no interval."""
    return -math.inf if math.isnan(distance) else distance


MORE = Hypothesis(MARGIN, math.inf, pooled=True)
NO_MORE = Hypothesis(-math.inf, MARGIN, pooled=True)
# Differences of opposite signs would cancel in a mean over factors.
SIMILAR = Hypothesis(-MARGIN, MARGIN, pooled=False)


def over_range(outcomes: Sequence[str]) -> str:
    """The verdict on a claim about all comparisons.

    That the claim holds of all is an intersection-union test. Its level is that of each single test (Berger
    1982), so it needs no correction.
    """
    if FAILS in outcomes:
        return FAILS
    return HOLDS if outcomes and set(outcomes) == {HOLDS} else OPEN
