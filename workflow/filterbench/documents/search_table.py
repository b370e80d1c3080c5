"""The table of a search's candidates."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filterbench.documents.checking import parse_text
from filterbench.documents.schemas import schema_faults
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text

SEARCH_COLUMNS = ("step", "choice", "sparsities", "score", "accepted", "seconds")


def write_search(path: Path, steps: Iterable[Mapping[str, object]]) -> None:
    """Write a search's steps, one row per candidate, with the keys of `schemas/search.schema.json`.

    Raises:
        InputError: a row is faulty.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, SEARCH_COLUMNS, lineterminator="\n")
    table.writeheader()
    for step in steps:
        for fault in schema_faults("search", step):
            raise InputError(f"{path}: step {step.get('step')}: {fault}")
        table.writerow({key: json.dumps(value) for key, value in step.items()})
    write_text(path, text.getvalue())


def read_search(path: Path) -> list[dict[str, Any]]:
    """Read what `write_search` wrote; an infeasible cell's search may have no steps.

    Raises:
        InputError: it is no such table, or its end is missing; the first faulty line is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (ValueError, csv.Error) as reason:
        raise InputError(f"{path}: not a search's table ({reason})") from reason
    if rows[:1] != [list(SEARCH_COLUMNS)]:
        raise InputError(f"{path}: not a search's table; its first line must be {','.join(SEARCH_COLUMNS)}")
    # A number whose last digits are missing is a number, too.
    if not text.endswith("\n"):
        raise InputError(f"{path}: the last line is incomplete")
    return [_step(row, f"{path}: line {line}") for line, row in enumerate(rows[1:], start=2)]


def _step(row: Sequence[str], place: str) -> dict[str, Any]:
    if len(row) != len(SEARCH_COLUMNS):
        raise InputError(f"{place}: {len(row)} values; a step of a search has {len(SEARCH_COLUMNS)}")
    try:
        step = {key: parse_text(value) for key, value in zip(SEARCH_COLUMNS, row, strict=True)}
    except (ValueError, RecursionError) as reason:
        raise InputError(f"{place}: not a step of a search ({reason})") from reason
    for fault in schema_faults("search", step):
        raise InputError(f"{place}: {fault}")
    return step
