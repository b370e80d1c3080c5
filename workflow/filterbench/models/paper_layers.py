"""The layers of a paper's pruned net, from the list of rates or counts that it states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from filterbench.domain.rates import Layers, Rate, kept_by_layer, kept_of, parse_rates
from filterbench.models.shapes import Convolution, Shapes, shapes_of
from filterbench.storage.errors import InputError

PARTS = ("stem", "stages", "blocks")


def paper_layers(text: str, shapes: Shapes, up: bool = False) -> dict[str, int]:
    """How many filters each convolution of a standard net keeps.

    A list has one of these lengths:

    - one number per convolution in the net's order; shortcuts may be left out, and so may the last
      convolution, which is then kept whole;
    - of a ResNet one for the stem, one per stage but the last for the blocks' outputs, and one per block for
      its inner convolutions, as in HRankPlus's and CHIP's code.

    `stem=...; stages=...; blocks=...` names the parts of a ResNet in any order; a part without numbers is
    kept whole.

    Args:
        text: such as `[0.21]*7+[0.75]*5` or `stages=[0.6]+[0.2]+[0.5]; blocks=[0.4]*27`.
        shapes: of the unpruned net.
        up: see `filterbench.domain.rates.kept_of`.

    Returns:
        By name of a convolution that decides its own number, as `Shapes.count` takes it.

    Raises:
        InputError: the text is not such a list, or does not fit the net.
    """
    numbers = _by_convolution(text, shapes)
    return {
        each.name: kept_of(each.channels, numbers[each.name], each.name, up)
        for each in shapes.convolutions
        if not each.follows
    }


def layers_of_net(layers: Layers, channels: Mapping[str, int]) -> dict[str, int]:
    """How many filters each convolution of any net keeps.

    A text is read as `paper_layers` does if the net is a standard one of any width; anything else as
    `filterbench.domain.rates.kept_by_layer` does.

    Args:
        layers: a text, a list, or by name.
        channels: the filters of each convolution, by its name.

    Raises:
        InputError: the layers do not fit the net.
    """
    named = (
        each for each in shapes_of().values() if [one.name for one in each.convolutions] == list(channels)
    )
    shapes = next(named, None)
    if shapes is None or not isinstance(layers, str):
        return kept_by_layer(layers, channels)
    own = tuple(replace(each, channels=channels[each.name]) for each in shapes.convolutions)
    kept = paper_layers(layers, replace(shapes, convolutions=own))
    return {each.name: kept[each.follows or each.name] for each in own}


def _by_convolution(text: str, shapes: Shapes) -> dict[str, Rate]:
    """The number of each convolution by its name."""
    if "=" in text:
        return _by_parts(_named(text, shapes), shapes)
    numbers = parse_rates(text)
    free = [each.name for each in shapes.convolutions if not each.follows]
    every = [each.name for each in shapes.convolutions]
    stages, blocks = _stages(shapes), _blocks(shapes)
    if len(numbers) == len(free) - 1:
        numbers.append(0)
    for names in (free, every):
        if len(numbers) == len(names):
            return dict(zip(names, numbers, strict=True))
    if blocks and len(numbers) == stages + blocks:
        parts = {"stem": numbers[:1], "stages": numbers[1:stages], "blocks": numbers[stages:]}
        return _by_parts(parts, shapes)
    by_block = f", or {stages + blocks}: stem, stages but the last, blocks" if blocks else ""
    raise InputError(
        f"{len(numbers)} numbers; allowed: {len(free)}, one per convolution, or {len(free) - 1} without the "
        f"last{by_block}"
    )


def _stages(shapes: Shapes) -> int:
    return 1 + max(each.stage for each in shapes.convolutions)


def _blocks(shapes: Shapes) -> int:
    """The number of residual blocks; 0 of a net without."""
    return sum(each.part == "outer" for each in shapes.convolutions)


def _named(text: str, shapes: Shapes) -> dict[str, list[Rate]]:
    stages, blocks = _stages(shapes), _blocks(shapes)
    lengths = {"stem": (1,), "stages": (stages - 1, stages), "blocks": (blocks,)}
    parts: dict[str, list[Rate]] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, _, numbers = (each.strip() for each in part.partition("="))
        if name not in PARTS or name in parts or not blocks:
            allowed = f"{', '.join(PARTS)}, each once" if blocks else "a list, as the net has no blocks"
            raise InputError(f"{name!r} is not a part of the net; allowed: {allowed}")
        parts[name] = parse_rates(numbers)
        if len(parts[name]) not in lengths[name]:
            allowed = " or ".join(map(str, lengths[name]))
            raise InputError(f"{name}: {len(parts[name])} numbers; allowed: {allowed}")
    return parts


def _by_parts(parts: dict[str, list[Rate]], shapes: Shapes) -> dict[str, Rate]:
    """Stem, outputs of the stages' blocks and inner convolutions of the blocks, each by its number."""

    def number(each: Convolution) -> Rate:
        part = {"stem": "stem", "outer": "stages", "inner": "blocks"}[each.part]
        place = {"stem": 0, "outer": each.stage, "inner": each.block}[each.part]
        named = parts.get(part, [])
        return named[place] if place < len(named) else 0

    return {each.name: number(each) for each in shapes.convolutions if not each.follows}
