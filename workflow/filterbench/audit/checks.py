"""Checks of a row's numbers against each other, and of rows against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.printed import Printed
from filterbench.audit.findings import Finding, counted, finding
from filterbench.audit.nets import FIELDS, smallest, unpruned_counts

COSTS = ("params", "flops")
# A pruned net that gains more points than this over the unpruned one was not found in any source.
MOST_GAINED = 3.0
# Unpruned nets of one model and dataset whose accuracies differ by more are unlike baselines.
ALIKE_POINTS = 0.5
# Between a printed unpruned net and every known form.
BASE_PERCENT = 1.0
# Two counts with fewer significant digits together are equal by chance.
LEAST_DIGITS = 6
SLACK = 1e-9


def of_row(claim: Claim) -> Iterator[Finding]:
    """Findings about one row."""
    yield from _change(claim)
    yield from _gain(claim, claim.value("base_accuracy"), f"from {claim.base_accuracy}")
    for cost in COSTS:
        yield from _base(claim, cost)
        yield from _too_small(claim, cost)
        yield from _larger_than_unpruned(claim, cost)
        yield from _reduction(claim, cost)


def _change(claim: Claim) -> Iterator[Finding]:
    """A printed change that is not the difference of the printed accuracies."""
    if not {"change", "base_accuracy"} <= claim.numbers.keys():
        return
    accuracy, base, change = (claim.numbers[name] for name in ("accuracy", "base_accuracy", "change"))
    difference = 100 * (accuracy.value - base.value)
    # Each of the three was rounded.
    if abs(difference - change.value) > (100 * (accuracy.step + base.step) + change.step) / 2 + SLACK:
        printed = f"{change.text} from {base.text} to {accuracy.text}"
        reason = "one of the three numbers is of another row or version, or has a wrong digit"
        yield finding(claim, "change", "change", printed, f"{difference:+.2f}", reason)


def _gain(claim: Claim, base: float, printed: str) -> Iterator[Finding]:
    """An accuracy so far above an unpruned net's that it is of something else."""
    gained = 100 * (claim.value("accuracy") - base)
    if gained > MOST_GAINED:
        reason = "a value of another column, such as the top-5 accuracy, or the base of another net"
        yield finding(
            claim, "impossible", "accuracy", f"{claim.accuracy}, {printed}", f"{gained:+.2f} points", reason
        )


def _base(claim: Claim, cost: str) -> Iterator[Finding]:
    """An unpruned count that is of no form of the named net."""
    key = f"base_{cost}"
    printed = claim.numbers.get(key)
    known = {
        f"{name}: {counted(count)}": count
        for name, counts in unpruned_counts(claim)
        for count in (getattr(counts, field) for field in FIELDS[cost])
    }
    if printed and known and not any(_near(printed, count) for count in known.values()):
        yield finding(
            claim, "base", key, printed.text, "; ".join(known), "the unpruned net is another net or variant"
        )


def _near(printed: Printed, count: float) -> bool:
    return abs(printed.value - count) <= BASE_PERCENT / 100 * count + printed.step


def _too_small(claim: Claim, cost: str) -> Iterator[Finding]:
    """A pruned net with less than one filter in each layer."""
    least = smallest(claim)
    printed = claim.numbers.get(cost)
    if least and printed and printed.value + printed.step < (count := least[COSTS.index(cost)]):
        reason = "a unit or a digit is missing; the recomputed net has one filter in each layer"
        yield finding(claim, "impossible", cost, printed.text, counted(count), reason)


def _larger_than_unpruned(claim: Claim, cost: str) -> Iterator[Finding]:
    """A pruned net with more than the unpruned one."""
    printed = claim.numbers.get(cost)
    wholes = [claim.value(f"base_{cost}")] if f"base_{cost}" in claim.numbers else _bases(claim, cost)
    if printed and wholes and printed.value - printed.step > (whole := max(wholes)):
        reason = "the columns may be swapped, or a digit or a unit is wrong"
        yield finding(claim, "impossible", cost, printed.text, f"at most {counted(whole)}", reason)


def _bases(claim: Claim, cost: str) -> list[float]:
    """Unpruned counts of the forms of a row's net."""
    return [float(getattr(counts, field)) for _, counts in unpruned_counts(claim) for field in FIELDS[cost]]


def _reduction(claim: Claim, cost: str) -> Iterator[Finding]:
    """A printed reduction that follows from no unpruned count, and one that is not the printed factor's."""
    reduction, pruned = claim.numbers.get(f"{cost}_reduction"), claim.numbers.get(cost)
    factor = claim.numbers.get(f"{cost}_factor")
    if reduction and factor:
        left = 100 / factor.value
        spread = left * factor.step / factor.value + reduction.step
        if abs(100 - left - reduction.value) > spread + SLACK:
            yield _reduction_finding(claim, cost, reduction, 100 - left, f"the printed factor {factor.text}")
    if not reduction or not pruned:
        return
    base = claim.numbers.get(f"base_{cost}")
    # Where a paper does not print its unpruned count, it may be off ours by a little.
    known = [Printed(count, BASE_PERCENT / 100 * count, counted(count)) for count in _bases(claim, cost)]
    wholes = [base] if base else known
    if not wholes:
        return
    shares = [100 * (1 - pruned.value / whole.value) for whole in wholes]
    spreads = [
        100 * (pruned.step + pruned.value * whole.step / whole.value) / whole.value + reduction.step
        for whole in wholes
    ]
    errors = [abs(share - reduction.value) - spread for share, spread in zip(shares, spreads, strict=True)]
    place = min(range(len(errors)), key=errors.__getitem__)
    if errors[place] > SLACK:
        counts = f"{pruned.text} of {wholes[place].text}"
        yield _reduction_finding(claim, cost, reduction, shares[place], counts)


def _reduction_finding(claim: Claim, cost: str, printed: Printed, share: float, source: str) -> Finding:
    """A printed reduction beside the one that other printed numbers give."""
    reason = "no unpruned count that is known here gives it"
    for name, counts in unpruned_counts(claim):
        for words, count in (("", counts.params), (" with BatchNorm", counts.full), ("", counts.macs)):
            of_this = (count == counts.params) == (cost == "params")
            if of_this and abs(100 * (1 - claim.value(cost) / count) - printed.value) <= 2 * printed.step:
                reason = f"follows from the {counted(count)} of {name}{words}"
    key = f"{cost}_reduction"
    return finding(claim, "reduction", key, f"{printed.text} %", f"{share:.1f} % from {source}", reason)


def between_rows(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Findings about rows of different papers on the same net and data."""
    yield from _equal_counts(claims)
    yield from _unlike_baselines(claims)
    yield from _above_all_baselines(claims)


def _grouped(
    claims: Sequence[Claim], key: Callable[[Claim], tuple[object, ...] | None]
) -> Iterator[list[Claim]]:
    """Rows of several sources with the same key."""
    groups: dict[tuple[object, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        if (found := key(claim)) is not None:
            groups[claim.model, claim.dataset, *found].append(claim)
    yield from (rows for rows in groups.values() if len({row.source for row in rows}) > 1)


def _both_counts(claim: Claim) -> tuple[object, ...] | None:
    numbers = [claim.numbers[cost] for cost in COSTS if cost in claim.numbers]
    if len(numbers) < len(COSTS) or sum(number.digits for number in numbers) < LEAST_DIGITS:
        return None
    return tuple(number.value for number in numbers)


def _equal_counts(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Different papers with the same counts: their difference in accuracy is not one of the shape."""
    for rows in _grouped(claims, _both_counts):
        first, *_ = rows
        others = ", ".join(f"{row.title or row.source} (line {row.line})" for row in rows[1:])
        accuracies = [100 * row.value("accuracy") for row in rows]
        yield finding(
            first,
            "equal counts",
            "params, flops",
            f"{first.params} and {first.flops}, as {others}",
            f"accuracies {min(accuracies):.2f} to {max(accuracies):.2f}",
            "apparently the same layer sizes; what differs is which filters stay, and the training",
        )


def _unlike_baselines(claims: Sequence[Claim]) -> Iterator[Finding]:
    """One model and dataset with unpruned nets of different accuracy: the pruned ones do not compare."""
    with_base = [claim for claim in claims if "base_accuracy" in claim.numbers]
    for rows in _grouped(with_base, lambda claim: ()):
        low = min(rows, key=lambda row: row.value("base_accuracy"))
        high = max(rows, key=lambda row: row.value("base_accuracy"))
        points = 100 * (high.value("base_accuracy") - low.value("base_accuracy"))
        if points > ALIKE_POINTS:
            yield finding(
                low,
                "unlike baselines",
                "base_accuracy",
                f"{low.base_accuracy} here, {high.base_accuracy} in line {high.line} ({high.source})",
                f"{points:.2f} points between unpruned nets",
                "compare the changes, or pruned nets of one base only",
            )


def _above_all_baselines(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Rows without a base accuracy that are far above the unpruned nets of all other rows."""
    best: dict[tuple[str, str], float] = defaultdict(float)
    for claim in claims:
        if "base_accuracy" in claim.numbers:
            place = claim.model, claim.dataset
            best[place] = max(best[place], claim.value("base_accuracy"))
    for claim in claims:
        base = best.get((claim.model, claim.dataset))
        if base and "base_accuracy" not in claim.numbers:
            yield from _gain(claim, base, f"unpruned nets of other rows at most {100 * base:.2f}")
