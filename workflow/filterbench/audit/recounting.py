"""Rows whose layers are stated: their nets counted, beside what is printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from filterbench.analysis.claims_table import Claim
from filterbench.analysis.printed import Printed
from filterbench.audit.findings import Finding, Recount, finding, with_unit
from filterbench.audit.nets import CONVENTIONS, Convention, Form, forms_of, pruned, unpruned
from filterbench.storage.errors import InputError

KEYS = tuple(f"{cost}{kind}" for cost in ("params", "flops") for kind in ("", "_reduction", "_factor"))


@dataclass(frozen=True)
class Tolerance:
    """Within these a printed number agrees, beyond the precision with which it is printed.

    Attributes:
        percent: of counts and factors.
        points: of reductions, in percentage points.
    """

    percent: float = 1.0
    points: float = 0.75

    def error(self, key: str, printed: Printed, number: float) -> float:
        """How far a number is from a printed one, in tolerances; agreement is at most 1."""
        beyond = max(0.0, abs(number - printed.value) - printed.step)
        return beyond / (self.points if key.endswith("reduction") else self.percent / 100 * printed.value)


TOLERANCE = Tolerance()


@dataclass(frozen=True)
class Reading:
    """One way to count a stated net.

    Attributes:
        form: of the net.
        convention: of multiply-accumulates.
        inputs_kept: the next layer's input channels are counted as if none were removed.
        up: shares of filters are rounded up, not down.
    """

    form: Form
    convention: Convention
    inputs_kept: bool = False
    up: bool = False

    @property
    def counted(self) -> str:
        """The form of the net and the convention."""
        return f"{self.form.name}, {self.convention.words}"

    @property
    def words(self) -> str:
        """What it takes for granted beyond the paper's list."""
        parts = ["the next layer's input channels are counted as if none were removed"] * self.inputs_kept
        parts += ["each layer's filters are rounded up"] * self.up
        return " and ".join(parts)

    def numbers(self, layers: str) -> dict[str, float]:
        """What it gives for each key that may be printed.

        Raises:
            InputError: see `filterbench.audit.nets.pruned`.
        """
        left, whole = pruned(self.form, layers, self.inputs_kept, self.up), unpruned(self.form)
        flops = float(getattr(left, self.convention.pruned))
        all_flops = float(getattr(whole, self.convention.unpruned))
        return {
            "params": float(left.params),
            "params_reduction": 100 * (1 - left.params / whole.params),
            "params_factor": whole.params / left.params,
            "flops": flops,
            "flops_reduction": 100 * (1 - flops / all_flops),
            "flops_factor": all_flops / flops,
        }


def recount(claim: Claim, tolerance: Tolerance = TOLERANCE) -> tuple[Recount, Finding | None] | None:
    """A row's net counted from its layers; None for a row without layers or of an unknown net.

    The form and the convention are those that come closest to the printed numbers or, where these do not
    agree, those of the way of counting that explains them.

    Raises:
        InputError: the layers are not readable, or fit no form of the net.
    """
    forms = forms_of(claim) if claim.layers else ()
    if not forms:
        return None
    try:
        return _recount(claim, forms, tolerance)
    except InputError as reason:
        raise InputError(f"line {claim.line}: layers: {reason}") from reason


def _recount(claim: Claim, forms: Sequence[Form], tolerance: Tolerance) -> tuple[Recount, Finding | None]:
    printed = {key: claim.numbers[key] for key in KEYS if key in claim.numbers}

    def off(reading: Reading) -> list[str]:
        """The printed numbers that a reading does not give."""
        numbers = reading.numbers(claim.layers)
        return [key for key, value in printed.items() if tolerance.error(key, value, numbers[key]) > 1]

    def distance(reading: Reading) -> tuple[int, float]:
        return len(off(reading)), _distance(claim, reading, printed, tolerance)

    reading = min(_plain(forms), key=distance)
    explaining = next((each for each in _other(forms) if not off(each)), None) if off(reading) else None
    if explaining:
        reading = Reading(explaining.form, explaining.convention)
    numbers, differing = reading.numbers(claim.layers), off(reading)
    result: Recount = {
        "line": claim.line,
        "source": claim.source,
        "model": claim.model,
        "layers": claim.layers,
        "net": reading.counted,
        "agrees": not differing,
        "numbers": [
            {
                "key": key,
                "text": value.text,
                "printed": value.value,
                "recounted": round(numbers[key], 2),
            }
            for key, value in printed.items()
        ],
    }
    if not differing:
        return result, None
    found = finding(
        claim,
        "recount",
        ", ".join(differing),
        ", ".join(_with_unit(key, printed[key].text) for key in differing),
        ", ".join(_with_unit(key, _shown(key, numbers[key])) for key in differing),
        f"follows if {explaining.words} ({explaining.counted})"
        if explaining
        else "no way of counting that was tried gives all printed numbers",
    )
    return result, found


def _plain(forms: Sequence[Form]) -> Iterator[Reading]:
    """Ways to count the pruned net itself."""
    for form in forms:
        for convention in CONVENTIONS:
            yield Reading(form, convention)


def _other(forms: Sequence[Form]) -> Iterator[Reading]:
    """Ways to count by other rules, which a paper may have used."""
    for plain in _plain(forms):
        for inputs_kept, up in ((True, False), (False, True), (True, True)):
            yield Reading(plain.form, plain.convention, inputs_kept, up)


def _distance(claim: Claim, reading: Reading, printed: Mapping[str, Printed], tolerance: Tolerance) -> float:
    """How badly a reading fits the printed unpruned net and the printed pruned one."""
    whole = unpruned(reading.form)
    base = {"base_params": whole.params, "base_flops": getattr(whole, reading.convention.unpruned)}
    numbers = reading.numbers(claim.layers)
    return sum(
        tolerance.error(key, claim.numbers[key], base[key]) for key in base if key in claim.numbers
    ) + sum(tolerance.error(key, value, numbers[key]) for key, value in printed.items())


def _shown(key: str, number: float) -> str:
    if key.endswith("factor"):
        return f"{number:.2f}x"
    return f"{number:.1f}" if key.endswith("reduction") else with_unit(number)


def _with_unit(key: str, text: str) -> str:
    return f"{text} %" if key.endswith("reduction") else text
