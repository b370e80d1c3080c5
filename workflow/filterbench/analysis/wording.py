"""The sentences of a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from filterbench.analysis.comparing import Comparison
from filterbench.analysis.hypotheses import ALPHA, FAILS, HOLDS, MARGIN, MAX_UNITS, OPEN, Tested
from filterbench.domain.names import short

COSTS = {"params": "parameters", "flops": "FLOPs", "latency": "latency"}
LESS = {"params": "fewer parameters", "flops": "fewer FLOPs", "latency": "less latency"}


def decides(verdict: str, test: Tested, tests: int) -> str:
    """Which comparison decides a verdict, or keeps it open, as a sentence.

    An interval that refutes the claim is corrected for the number of tests.
    """
    words = {HOLDS: "It holds even of", FAILS: "What refutes it:", OPEN: "What keeps it open:"}[verdict]
    return f"{words} {difference(test, ALPHA / tests if verdict == FAILS else ALPHA)}."


def difference(test: Tested, alpha: float) -> str:
    """Which pruners, where, and by how many points, with the interval that leaves out `alpha` at each end."""
    one, other = map(short, test.pair)
    low, high = test.interval(alpha)
    level = f"{100 * (1 - 2 * alpha):.4g} %"
    interval = "" if math.isnan(low) else f", {level} interval {low:+.2f} to {high:+.2f}"
    first, last = times(test.factors[0]), times(test.factors[-1])
    places = f"pooled over {first} to {last}" if len(test.factors) > 1 else f"at {first}"
    return f"{one} minus {other}, {places} times {LESS[test.cost]}, {test.mean:+.2f} points{interval}"


def factor_range(comparisons: Sequence[Comparison]) -> str:
    """The range of the factors at which pruners are compared, and how many there are, by cost."""
    said = []
    for cost in dict.fromkeys(each.cost for each in comparisons):
        factors = sorted({factor for each in comparisons if each.cost == cost for factor in each.factors})
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


def set_apart(comparisons: Sequence[Comparison]) -> str:
    """How many seeds of which pairs are left out because a net collapsed, as a sentence; empty if none."""
    said = dict.fromkeys(
        f"{short(each.pair[0])} minus {short(each.pair[1])} in {counted(apart, 'seeds')}"
        for each in comparisons
        if (apart := int(each.apart.any(axis=1).sum()))
    )
    return f" Set apart, as a net collapsed: {'; '.join(said)}." if said else ""


def nowhere(pair: Sequence[str], factor: float, unit: str) -> str:
    """That a pair has no factor in common, as a sentence."""
    everywhere = "in every model" if unit == "models" else "with every seed"
    names = " and ".join(map(short, pair))
    place = f"no factor from {times(factor)} on"
    return f"There is {place} at which {names} both have cells near enough {everywhere}."


def power(needed: int | None, test: Tested, unit: str) -> str:
    """How many units would decide an open claim, as a sentence."""
    if math.isnan(test.interval(ALPHA)[0]):
        return f"All {unit} are alike there: that gives no interval, nor says how many would decide it."
    if needed is None:
        many = f"more than {MAX_UNITS} {unit}"
        return f"At the spread seen it would take {many}: a mean difference lies near the margin."
    return f"At the means and spreads seen about {needed} {unit} would decide it."


def too_weak(needed: int | None, tests: int, unit: str) -> str:
    """That these units are too few to show a similarity, and how many would, as sentences."""
    enough = f"more than {MAX_UNITS}" if needed is None else f"about {needed}"
    together = f" for all {tests} comparisons together" if tests > 1 else ""
    weak = f"At the spreads seen these {unit} would not show similarity even if there were no difference"
    return f"{weak}: {enough} {unit} would decide it{together}."


def too_few(fewest: int, unit: str, there: int) -> str:
    """Why there is no interval, as a sentence."""
    return f"An interval needs at least {fewest} {unit}; there {'is' if there == 1 else 'are'} {there}."


def too_few_left(fewest: int, unit: str, test: Tested) -> str:
    """Why there is no interval when collapsed nets are set apart, as a sentence."""
    have = f"{' and '.join(map(short, test.pair))} have {len(test.values)}"
    return f"An interval needs at least {fewest} {unit} without a collapsed net; {have}."


def too_coarse(images: int, needed: float) -> str:
    """Why a test set is too small, as a sentence."""
    coarse = f"{100 / images:.2f} points, too coarse for a margin of {MARGIN} points"
    return f"One of {images:,} test images is {coarse}: it takes more than {needed:.0f} test images."


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
