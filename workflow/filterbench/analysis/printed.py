"""Numbers as papers print them: their value, their unit, and how precisely they are printed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from filterbench.storage.errors import InputError

NUMBER = re.compile(r"([+-]?)(\d+(?:,\d{3})*|\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?")
UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}
# A minus sign, and an en dash in its place.
MINUS = str.maketrans("−–", "--")
# No net has fewer params or does less: a smaller number lacks its unit.
LEAST_COUNT = 100


@dataclass(frozen=True)
class Printed:
    """A printed number.

    Attributes:
        value: in the unit of its column.
        step: one unit of its last printed digit; papers round or cut there.
        text: as printed.
    """

    value: float
    step: float
    text: str

    @property
    def digits(self) -> int:
        """Significant digits."""
        return len(re.sub(r"\D", "", self.text).lstrip("0"))

    @property
    def places(self) -> int:
        """Digits after the point."""
        return len(re.sub(r"\D", "", self.text.partition(".")[2]))


def read_number(where: str, text: str, low: float = -math.inf, high: float = math.inf) -> Printed:
    """A number that may have a sign and a per cent sign, from `low` and below `high`.

    Raises:
        InputError: it is not such a number; the message begins with `where`.
    """
    printed = _parsed(where, text.removesuffix("%").rstrip(), 1, text)
    if not low <= printed.value < high:
        raise InputError(f"{where}: {text}; allowed: from {low:g}, below {high:g}")
    return printed


def read_share(where: str, text: str) -> Printed:
    """An accuracy as a share: of 1 up to 1, or in per cent above that or with a per cent sign.

    Raises:
        InputError: it is not above 0 and at most 1, or 100 per cent.
    """
    printed = read_number(where, text)
    scale = 100 if text.endswith("%") or printed.value > 1 else 1
    if not 0 < printed.value <= scale:
        raise InputError(f"{where}: {text}; allowed: above 0, up to 1, or 100 per cent")
    return Printed(printed.value / scale, printed.step / scale, text)


def read_count(where: str, text: str) -> Printed:
    """A count, whole or with one of the units K, M, G and B.

    Raises:
        InputError: it is a share, has another unit, or is below any net's.
    """
    if "%" in text:
        raise InputError(
            f"{where}: {text!r} is a share, not a count; write what is removed in the column *_reduction, or "
            "how many times fewer in *_factor"
        )
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    if unit not in UNITS:
        raise InputError(f"{where}: {text!r}: unknown unit; allowed: {', '.join(filter(None, UNITS))}")
    printed = _parsed(where, text[: len(text) - len(unit)].rstrip(), UNITS[unit], text)
    if printed.value < LEAST_COUNT or (not unit and printed.value % 1):
        raise InputError(
            f"{where}: {text}; allowed: a whole number from {LEAST_COUNT}, as no net has fewer, or one with "
            "a unit, such as 2.76M"
        )
    return printed


def read_factor(where: str, text: str) -> Printed:
    """How many times fewer, such as 2.11 or 2.11x.

    Raises:
        InputError: it is a share, or below 1.
    """
    if "%" in text:
        raise InputError(
            f"{where}: {text!r} is a share, not a factor; write what is removed in the column *_reduction"
        )
    printed = _parsed(where, re.sub(r"\s*[x×]$", "", text), 1, text)
    if printed.value < 1:
        raise InputError(f"{where}: {text}; allowed: how many times fewer, from 1")
    return printed


def _parsed(where: str, number: str, unit: float, text: str) -> Printed:
    found = NUMBER.fullmatch(number.translate(MINUS))
    if not found or not any(found.group(2, 3)):
        raise InputError(
            f"{where}: {text!r} is not a number; write a number alone, a spread in the column note, and "
            "nothing where there is no number"
        )
    sign, whole, fraction, exponent = found.groups(default="")
    try:
        scale = unit * 10.0 ** int(exponent or 0)
        value = float(f"{sign}{whole.replace(',', '') or 0}.{fraction or 0}") * scale
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise InputError(f"{where}: {text} is not a finite number")
    return Printed(value, 10.0 ** -len(fraction) * scale, text)
