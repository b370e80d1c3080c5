"""Checks of one row's numbers against each other."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.pareto import COSTS
from filterbench.analysis.printed import Printed
from filterbench.audit.findings import Finding, finding, with_unit
from filterbench.audit.nets import BASE_PERCENT, forms_of, smallest, unpruned_counts, wholes
from filterbench.audit.reductions import reductions

WORDS = {"params": "number of params", "flops": "number of FLOPs"}
# A pruned net that gains more points than this over the unpruned one was not found in any source.
MOST_GAINED = 3.0
# A net that loses this many points, and whose error is within `ALIKE_POINTS` of the unpruned accuracy, has
# apparently an error where the accuracy should be.
MOST_LOST = 40.0
ALIKE_POINTS = 5.0
# How many times fewer params or FLOPs; no source has more.
MOST_FEWER = 1000
SLACK = 1e-9


def of_row(claim: Claim) -> Iterator[Finding]:
    """Findings about one row."""
    yield from _change(claim)
    yield from unlikely_accuracy(claim, claim.value("base_accuracy"), f"from {claim.base_accuracy}")
    for cost in COSTS:
        yield from _base(claim, cost)
        yield from _too_small(claim, cost)
        yield from _larger_than_unpruned(claim, cost)
        yield from reductions(claim, cost)


def _change(claim: Claim) -> Iterator[Finding]:
    """A printed change that is not the difference of the printed accuracies."""
    if not {"change", "base_accuracy"} <= claim.numbers.keys():
        return
    accuracy, base, change = (claim.numbers[name] for name in ("accuracy", "base_accuracy", "change"))
    difference = 100 * (accuracy.value - base.value)
    # Each of the three was rounded.
    rounded = (100 * (accuracy.step + base.step) + change.step) / 2 + SLACK
    if abs(difference - change.value) > rounded:
        printed = f"{change.text} from {base.text} to {accuracy.text}"
        reason = "one of the three numbers is of another row or version, or has a wrong digit"
        if abs(difference + change.value) <= rounded:
            reason = "the sign is reversed; a loss is negative"
        yield finding(claim, "change", "change", printed, f"{difference:+.2f}", reason)


def unlikely_accuracy(claim: Claim, base: float, printed: str) -> Iterator[Finding]:
    """An accuracy so far from an unpruned net's that it is apparently something else.

    Args:
        claim: the row.
        base: the unpruned net's accuracy, from 0 to 1; NaN for an unknown one.
        printed: where the base is from, in words.
    """
    pruned = claim.value("accuracy")
    gained = 100 * (pruned - base)
    reason = ""
    if gained > MOST_GAINED:
        reason = "a value of another column, such as the top-5 accuracy, or the base of another net"
    if gained < -MOST_LOST and 100 * abs(1 - pruned - base) < ALIKE_POINTS:
        reason = "an error in place of an accuracy"
    if reason:
        texts = f"{claim.accuracy}, {printed}", f"{gained:+.2f} points"
        yield finding(claim, "out of range", "accuracy", *texts, reason)


def _base(claim: Claim, cost: str) -> Iterator[Finding]:
    """An unpruned count that is of no form of the named net."""
    printed, known = claim.numbers.get(f"base_{cost}"), unpruned_counts(claim, cost)
    if printed and known and not any(_near(printed, count) for count in known.values()):
        forms = "; ".join(f"{name}: {with_unit(count)}" for name, count in known.items())
        (other,) = (each for each in COSTS if each != cost)
        swapped = any(_near(printed, count) for count in unpruned_counts(claim, other).values())
        reason = f"it is the {WORDS[other]}" if swapped else "the unpruned net is another net or variant"
        yield finding(claim, "base", f"base_{cost}", printed.text, forms, reason)


def _near(printed: Printed, count: float) -> bool:
    return abs(printed.value - count) <= BASE_PERCENT / 100 * count + printed.step


def _too_small(claim: Claim, cost: str) -> Iterator[Finding]:
    """A pruned net with less than one filter in each layer, or than a thousandth of the unpruned net."""
    field = {"params": "params", "flops": "macs"}[cost]
    least = min((getattr(smallest(form), field) for form in forms_of(claim)), default=0)
    whole = min((each.value for each in wholes(claim, cost)), default=0.0)
    count, printed = max(least, whole / MOST_FEWER), claim.numbers.get(cost)
    if printed and printed.value + printed.step < count:
        reason = f"a unit or a digit is wrong: under one filter per layer, or over {MOST_FEWER} times fewer"
        yield finding(claim, "out of range", cost, printed.text, f"at least {with_unit(count)}", reason)


def _larger_than_unpruned(claim: Claim, cost: str) -> Iterator[Finding]:
    """A pruned net with more than the unpruned one."""
    printed, whole = claim.numbers.get(cost), max((each.value for each in wholes(claim, cost)), default=inf)
    if printed and printed.value - printed.step > whole:
        reason = "the columns may be swapped, or a digit or a unit is wrong"
        yield finding(claim, "out of range", cost, printed.text, f"at most {with_unit(whole)}", reason)
