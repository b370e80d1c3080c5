"""The sentences of a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from filterbench.analysis.claims import ALPHA, FAILS, HOLDS, MARGIN, MOST_UNITS, OPEN, over_range
from filterbench.analysis.comparing import Comparison
from filterbench.analysis.seeds import LEVEL

COSTS = {"params": "parameters", "flops": "FLOPs", "latency": "latency"}
LESS = {"params": "fewer parameters", "flops": "fewer FLOPs", "latency": "less latency"}
JUDGED = {HOLDS: "holds at", FAILS: "does not hold at", OPEN: "cannot tell at"}
# What single runs show, which is no verdict.
SEEN = {HOLDS: "so at", FAILS: "not so at"}


def difference(comparison: Comparison) -> str:
    """Which pruners, where, and by how many points."""
    one, other = map(short, comparison.pair)
    low, high = comparison.interval(1 - 2 * ALPHA)
    interval = "" if math.isnan(low) else f", 90 % interval {low:+.2f} to {high:+.2f}"
    return (
        f"{one} minus {other} at {times(comparison.factor)} times {LESS[comparison.cost]} "
        f"{comparison.mean:+.2f} points{interval}"
    )


def by_factor(
    comparisons: Sequence[Comparison], outcome: Callable[[Comparison], str], words: dict[str, str]
) -> str:
    """At which factors a claim holds of all pairs, does not hold of one, or is open."""
    said = []
    for cost in dict.fromkeys(each.cost for each in comparisons):
        found: dict[float, list[str]] = {}
        for each in comparisons:
            if each.cost == cost:
                found.setdefault(each.factor, []).append(outcome(each))
        places = {
            verdict: [factor for factor in sorted(found) if over_range(found[factor]) == verdict]
            for verdict in words
        }
        parts = [f"{words[verdict]} {listed(map(times, at))}" for verdict, at in places.items() if at]
        said.append(f"{', '.join(parts)} times {LESS[cost]}")
    return "; ".join(said)


def factor_range(comparisons: Sequence[Comparison]) -> str:
    """Between which factors pruners are compared, and at how many."""
    said = []
    for cost in dict.fromkeys(each.cost for each in comparisons):
        factors = sorted({each.factor for each in comparisons if each.cost == cost})
        ends = dict.fromkeys((times(factors[0]), times(factors[-1])))
        count = f" ({len(factors)} factors)" if len(factors) > 1 else ""
        said.append(f"{' to '.join(ends)} times {LESS[cost]}{count}")
    text = " and ".join(said)
    return text[0].upper() + text[1:]


def left_out(guessing: dict[str, list[float]]) -> str:
    """The factors at which nets are at chance, as a sentence; empty where there are none."""
    places = [
        f"{listed(map(times, factors))} times {LESS[cost]}" for cost, factors in guessing.items() if factors
    ]
    return f" Left out, as both nets of a pair are at chance there: {'; '.join(places)}." if places else ""


def power(needed: int | None, deciding: Sequence[Comparison], unit: str) -> str:
    """How many units would decide an open claim, as a sentence."""
    for each in deciding:
        if math.isnan(each.interval(LEVEL)[0]):
            return (
                f"{difference(each)}, with all {unit} alike: that gives no interval, nor says how many would."
            )
    if needed is None:
        return (
            f"At the spread seen it would take more than {MOST_UNITS} {unit}: a mean difference lies so near "
            "the margin that no number one can afford would tell."
        )
    return f"At the means and spreads seen about {needed} {unit} would tell."


def too_few(
    fewest: int, unit: str, comparisons: Sequence[Comparison], seen: Callable[[Comparison], str]
) -> str:
    """Why there is no interval, and what the cells look like as they are, as two sentences."""
    return (
        f"An interval needs at least {fewest} {unit}; how many would tell, only their spread can say. As the "
        f"cells stand, which is no verdict: {by_factor(comparisons, seen, SEEN)}."
    )


def too_coarse(images: int, needed: float) -> str:
    """Why a test set is too small, as a sentence."""
    return (
        f"One of {images:,} test images is {100 / images:.2f} points, too coarse for a margin of {MARGIN} "
        f"points: it takes more than {needed:.0f} test images."
    )


def counted(number: int, unit: str) -> str:
    """A number of units, such as `1 seed`."""
    return f"{number} {unit if number != 1 else unit.removesuffix('s')}"


def times(factor: float) -> str:
    """A compression factor."""
    return f"{factor:.3g}" if factor < 1000 else f"{factor:.0f}"


def listed(words: Iterable[str]) -> str:
    """Words with commas and `and`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def short(pruner: str) -> str:
    """A pruner's name in sentences."""
    return pruner.removesuffix("Pruner")


def json_number(value: float, digits: int) -> float | None:
    """A rounded number for JSON, which has no NaN: None in its place."""
    return None if math.isnan(value) else round(float(value), digits)
