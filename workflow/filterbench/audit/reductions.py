"""Checks of a row's printed reductions and factors against its counts, and against each other."""

from __future__ import annotations

from collections.abc import Iterator

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.printed import Printed
from filterbench.audit.findings import Finding, finding, with_unit
from filterbench.audit.nets import unpruned_counts, wholes

# Counters differ by a little (VGG16's 313.73M, 313.75M and 314.02M), and so do reductions of one count.
ALIKE_POINTS = 0.1
# Within this, another meaning explains a printed reduction.
EXPLAINED_POINTS = 1.0


def reductions(claim: Claim, cost: str) -> Iterator[Finding]:
    """Findings about what a row says is removed of params or FLOPs."""
    said = _removed(claim, cost)
    if len(said) > 1:
        (key, reduction), (_, factor) = said.items()
        if _beyond(reduction, factor) > 0:
            yield _finding(claim, cost, key, reduction, factor.value, f"the printed factor {factor.text}")
    if cost not in claim.numbers:
        return
    shares = {whole.text: _share(claim.numbers[cost], whole) for whole in wholes(claim, cost)}
    for key, printed in said.items() if shares else ():
        text = min(shares, key=lambda each: _beyond(printed, shares[each]))
        # A count above the unpruned one is a finding of its own.
        if _beyond(printed, shares[text]) > 0 and shares[text].value >= 0:
            source = f"{claim.texts[cost]} of {text}"
            yield _finding(claim, cost, key, printed, shares[text].value, source)


def _removed(claim: Claim, cost: str) -> dict[str, Printed]:
    """What is removed in per cent, as the row's reduction and its factor say, by column."""
    said = {key: claim.numbers[key] for key in (f"{cost}_reduction",) if key in claim.numbers}
    if factor := claim.numbers.get(f"{cost}_factor"):
        left = 100 / factor.value
        said[f"{cost}_factor"] = Printed(100 - left, left * factor.step / factor.value, factor.text)
    return said


def _share(pruned: Printed, whole: Printed) -> Printed:
    """The share that is removed, in per cent; its step is what the precision of both counts leaves open."""
    left = pruned.value / whole.value
    return Printed(100 * (1 - left), 100 * (pruned.step + left * whole.step) / whole.value, "")


def _beyond(one: Printed, other: Printed) -> float:
    """By how many points two shares differ beyond their precision; negative if they agree."""
    return abs(one.value - other.value) - one.step - other.step - ALIKE_POINTS


def _finding(claim: Claim, cost: str, key: str, printed: Printed, share: float, source: str) -> Finding:
    """A printed reduction or factor beside the share that other printed numbers give."""
    if key.endswith("factor"):
        texts = printed.text, f"{100 / (100 - share):.2f}x"
    else:
        texts = f"{printed.text} %", f"{share:.{max(1, printed.places)}f} %"
    reason = _reason(claim, cost, printed, share)
    return finding(claim, "reduction", key, texts[0], f"{texts[1]} from {source}", reason)


def _reason(claim: Claim, cost: str, printed: Printed, share: float) -> str:
    """What would explain that a printed share is another than the one that follows."""
    if cost in claim.numbers:
        by_count = {
            f"the {with_unit(whole)} of {name}": abs(100 * (1 - claim.value(cost) / whole) - printed.value)
            for name, whole in unpruned_counts(claim, cost).items()
        }
        closest = min(by_count, key=by_count.__getitem__, default="")
        if closest and by_count[closest] <= 2 * printed.step:
            return f"follows from {closest}"
    if abs(100 - printed.value - share) <= EXPLAINED_POINTS:
        return "it is what is left, not what is removed"
    if abs(100 * printed.value - share) <= EXPLAINED_POINTS:
        return "it is a share of 1, not in per cent"
    return "no unpruned count that is known here gives it"
