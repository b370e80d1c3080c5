"""Checks of rows against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.pareto import COSTS
from filterbench.audit.checks import unlikely_accuracy
from filterbench.audit.findings import Finding, finding

# Unpruned nets of one model and dataset whose accuracies differ by more are unlike baselines.
ALIKE_POINTS = 0.5
# Two counts with fewer significant digits together are equal by chance.
LEAST_DIGITS = 6


def between_rows(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Findings about equal rows, and about rows of different papers on the same net and data."""
    yield from _duplicates(claims)
    yield from _equal_counts(claims)
    yield from _unlike_baselines(claims)
    yield from _unlike_all_baselines(claims)


def _duplicates(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Rows that say the same as one before."""
    seen: dict[tuple[str, ...], int] = {}
    for claim in claims:
        first = seen.setdefault(tuple(claim.texts.values()), claim.line)
        if first != claim.line:
            reason = "a row was copied twice, or the numbers of this one are missing"
            yield finding(claim, "duplicate", "source", claim.source, f"as line {first}", reason)


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
        yield finding(
            first,
            "equal counts",
            "params, flops",
            f"{first.params} and {first.flops}, as {others}",
            f"accuracies {', '.join(row.accuracy for row in rows)}",
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


def _unlike_all_baselines(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Rows without a base accuracy that are far from the unpruned nets of all other rows."""
    best: dict[tuple[str, str], float] = defaultdict(float)
    for claim in claims:
        if "base_accuracy" in claim.numbers:
            place = claim.model, claim.dataset
            best[place] = max(best[place], claim.value("base_accuracy"))
    for claim in claims:
        base = best.get((claim.model, claim.dataset))
        if base and "base_accuracy" not in claim.numbers:
            yield from unlikely_accuracy(claim, base, f"unpruned nets of other rows at most {100 * base:.2f}")
