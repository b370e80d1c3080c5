"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def markdown_table(heading: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown; a text with a bar or a line break stays one cell."""
    names = list(heading)
    lines: list[Iterable[object]] = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def number(value: float | None, form: str) -> str:
    """A number in a format such as `+.2f`; empty where there is none."""
    return "" if value is None else format(value, form)


def _cell(value: object) -> str:
    return " ".join(str(value).split("\n")).replace("|", "\\|")
