"""What each layer keeps, as papers and users write it: `[0.95]+[0.5]*6`, rates that are pruned, or counts.

A number with a decimal point is the share of a layer's filters that is pruned (0.5), a whole number is how
many filters it keeps (32). 0 prunes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from filterbench.storage.errors import InputError

Rate = int | float
Layers = str | Sequence[Rate] | Mapping[str, Rate]

TERM = re.compile(r"\[([^\]]*)\](?:\s*\*\s*([1-9]\d*))?")
# Of whole numbers, as many digits as any net has filters.
NUMBER = re.compile(r"\d{1,9}|\d*\.\d+|\d+\.")
# More than any net has convolutions.
MAX_NUMBERS = 10_000
# Characters of a faulty text in its error.
MAX_SHOWN = 60
EXAMPLE = "[0.95]+[0.5]*6"


def parse_rates(text: str) -> list[Rate]:
    """The numbers of a compressed list: `[0.95]+[0.5]*6` stands for seven, `[0.6,0.1]*2` for four.

    Raises:
        InputError: the text is not such a list.
    """
    numbers: list[Rate] = []
    for term in text.split("+"):
        found = TERM.fullmatch(term.strip())
        repeated, times = found.groups(default="1") if found else ("", "1")
        texts = [text.strip() for text in repeated.split(",")]
        if not all(map(NUMBER.fullmatch, texts)):
            shown = term.strip()[:MAX_SHOWN]
            raise InputError(f"{shown!r} is not a term of a list of rates; allowed: as in {EXAMPLE}")
        if len(times) > len(str(MAX_NUMBERS)) or len(numbers) + len(texts) * int(times) > MAX_NUMBERS:
            raise InputError(f"more than {MAX_NUMBERS} numbers; allowed: one per convolution")
        numbers += [float(text) if "." in text else int(text) for text in texts] * int(times)
    return numbers


def kept_of(channels: int, number: Rate, layer: str, up: bool = False) -> int:
    """How many of a layer's filters a rate or a count leaves, at least 1.

    Args:
        channels: the layer's filters, from 1.
        number: a share that is pruned, from 0 and below 1, or a whole number that is kept, from 1. A share of
            the filters is rounded so that no more than it asks for stay, as in the papers' own code.
        layer: for the error.
        up: round a share of the filters so that no more than it asks for are pruned.

    Raises:
        InputError: the number is neither, or above the layer's filters.
    """
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InputError(f"{layer}: {number!r} is not a number")
    if isinstance(number, int) and number:
        if not 1 <= number <= channels:
            raise InputError(f"{layer}: {number} filters; allowed: 1 to {channels}")
        return number
    if not 0 <= number < 1:
        raise InputError(
            f"{layer}: {number}; allowed: a share from 0 and below 1, or a whole number of filters"
        )
    if up:
        return channels - int(channels * number + 1e-9)
    # 64 * (1 - 0.75) must not become 15 by a rounding error.
    return max(1, int(channels * (1 - number) + 1e-9))


def kept_by_layer(layers: Layers, channels: Mapping[str, int]) -> dict[str, int]:
    """How many filters each convolution of a net keeps.

    Args:
        layers: as text or as a list one number per convolution, in the net's order; the last one may be
            omitted, and is then kept whole, as in papers. Or by name, where `*` stands for any text and the
            last match counts; a convolution that none names is kept whole.
        channels: the filters of each convolution, by its name.

    Raises:
        InputError: a number is not allowed, the list has another length, or a name fits no convolution.
    """
    if isinstance(layers, Mapping):
        return _by_name(layers, channels)
    numbers = parse_rates(layers) if isinstance(layers, str) else list(layers)
    if len(numbers) == len(channels) - 1:
        numbers.append(0)
    if len(numbers) != len(channels):
        raise InputError(
            f"{len(numbers)} numbers for {len(channels)} convolutions; allowed: one for each of "
            f"{', '.join(channels)}, or all but the last"
        )
    return {
        name: kept_of(count, number, name)
        for (name, count), number in zip(channels.items(), numbers, strict=True)
    }


def _by_name(layers: Mapping[str, Rate], channels: Mapping[str, int]) -> dict[str, int]:
    kept = dict(channels)
    for pattern, number in layers.items():
        named = [name for name in channels if fnmatchcase(name, str(pattern))]
        if not named:
            raise InputError(f"{pattern!r} fits no convolution; allowed: {', '.join(channels)}")
        kept |= {name: kept_of(channels[name], number, name) for name in named}
    return kept
