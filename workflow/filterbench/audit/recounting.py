"""Rows whose layers are stated: their nets counted, beside what is printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.printed import Printed
from filterbench.audit.findings import Finding, Recount, counted, finding
from filterbench.audit.nets import CONVENTIONS, Convention, forms_of
from filterbench.models.paper_layers import paper_layers
from filterbench.models.shapes import Shapes
from filterbench.storage.errors import InputError

# A printed number agrees within these, beyond the precision with which it is printed.
COUNT_PERCENT = 1.0
REDUCTION_POINTS = 0.75
KEYS = tuple(f"{cost}{kind}" for cost in ("params", "flops") for kind in ("", "_reduction", "_factor"))


@dataclass(frozen=True)
class Reading:
    """One way to count a stated net.

    Attributes:
        net: the form of the net.
        convention: of multiply-accumulates.
        inputs_kept: the next layer's input channels are counted as if none were removed.
        up: shares of filters are rounded up, not down.
    """

    net: str
    convention: Convention
    inputs_kept: bool = False
    up: bool = False

    @property
    def counted(self) -> str:
        """The form of the net and the convention."""
        return f"{self.net}, {self.convention.words}"

    @property
    def words(self) -> str:
        """What it takes for granted beyond the paper's list."""
        parts = ["the next layer's input channels are counted as if none were removed"] * self.inputs_kept
        parts += ["each layer's filters are rounded up"] * self.up
        return " and ".join(parts)


def recount(claim: Claim) -> tuple[Recount, Finding | None] | None:
    """A row's net counted from its layers; None for a row without layers or of an unknown net.

    The form and the convention are those that come closest to the printed numbers or, where these do not
    agree, those of the way of counting that explains them.

    Raises:
        InputError: the layers are not readable, or fit no form of the net.
    """
    forms = forms_of(claim) if claim.layers else {}
    if not forms:
        return None
    printed = {key: claim.numbers[key] for key in KEYS if key in claim.numbers}
    reading = min(_readings(forms, plain=True), key=lambda each: _distance(claim, forms, each, printed))
    explaining = _explaining(claim, forms, printed) if _off(claim, forms, reading, printed) else None
    if explaining:
        reading = Reading(explaining.net, explaining.convention)
    numbers, off = _numbers(claim, forms, reading), _off(claim, forms, reading, printed)
    result: Recount = {
        "line": claim.line,
        "source": claim.source,
        "model": claim.model,
        "net": reading.counted,
        "agrees": not off,
        "numbers": [
            {"key": key, "printed": value.value, "recounted": round(numbers[key], 2)}
            for key, value in printed.items()
        ],
    }
    if not off:
        return result, None
    found = finding(
        claim,
        "recount",
        ", ".join(off),
        ", ".join(_with_unit(key, printed[key].text) for key in off),
        ", ".join(_with_unit(key, _shown(key, numbers[key])) for key in off),
        f"follows if {explaining.words} ({explaining.counted})"
        if explaining
        else "no way of counting that was tried gives all printed numbers",
    )
    return result, found


def _readings(forms: Mapping[str, Shapes], plain: bool) -> Iterator[Reading]:
    """Ways to count: of the pruned net itself or, with other rules, what a paper may have counted."""
    for name in forms:
        for convention in CONVENTIONS:
            if plain:
                yield Reading(name, convention)
                continue
            for inputs_kept, up in ((True, False), (False, True), (True, True)):
                yield Reading(name, convention, inputs_kept, up)


def _numbers(claim: Claim, forms: Mapping[str, Shapes], reading: Reading) -> dict[str, float]:
    """What a reading gives for each key that may be printed."""
    shapes = forms[reading.net]
    try:
        kept = paper_layers(claim.layers, shapes, reading.up)
    except InputError as reason:
        raise InputError(f"line {claim.line}: layers: {reason}") from reason
    pruned, unpruned = shapes.count(kept, reading.inputs_kept), shapes.count()
    flops = float(getattr(pruned, reading.convention.pruned))
    whole = float(getattr(unpruned, reading.convention.unpruned))
    return {
        "params": float(pruned.params),
        "params_reduction": 100 * (1 - pruned.params / unpruned.params),
        "params_factor": unpruned.params / pruned.params,
        "flops": flops,
        "flops_reduction": 100 * (1 - flops / whole),
        "flops_factor": whole / flops,
    }


def _error(key: str, printed: Printed, number: float) -> float:
    """How far a number is from a printed one, in tolerances; agreement is at most 1."""
    beyond = max(0.0, abs(number - printed.value) - printed.step)
    tolerance = REDUCTION_POINTS if key.endswith("reduction") else COUNT_PERCENT / 100 * printed.value
    return beyond / tolerance


def _distance(
    claim: Claim, forms: Mapping[str, Shapes], reading: Reading, printed: Mapping[str, Printed]
) -> tuple[float, float]:
    """How badly a reading fits the printed unpruned net, then the printed pruned one."""
    unpruned = forms[reading.net].count()
    base = {"base_params": unpruned.params, "base_flops": getattr(unpruned, reading.convention.unpruned)}
    whole = sum(_error(key, claim.numbers[key], base[key]) for key in base if key in claim.numbers)
    numbers = _numbers(claim, forms, reading)
    pruned = [_error(key, value, numbers[key]) for key, value in printed.items()]
    return sum(error > 1 for error in pruned), whole + sum(pruned)


def _off(
    claim: Claim, forms: Mapping[str, Shapes], reading: Reading, printed: Mapping[str, Printed]
) -> list[str]:
    """The printed numbers that a reading does not give."""
    numbers = _numbers(claim, forms, reading)
    return [key for key, value in printed.items() if _error(key, value, numbers[key]) > 1]


def _explaining(claim: Claim, forms: Mapping[str, Shapes], printed: Mapping[str, Printed]) -> Reading | None:
    """The way to count that gives all printed numbers, if one does."""
    readings = _readings(forms, plain=False)
    return next((each for each in readings if not _off(claim, forms, each, printed)), None)


def _shown(key: str, number: float) -> str:
    if key.endswith("factor"):
        return f"{number:.2f}x"
    return f"{number:.1f}" if key.endswith("reduction") else counted(number)


def _with_unit(key: str, text: str) -> str:
    return f"{text} %" if key.endswith("reduction") else text
