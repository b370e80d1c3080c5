"""The table of a search's candidates."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

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
    """Read what `write_search` wrote."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [{key: json.loads(value) for key, value in row.items()} for row in csv.DictReader(file)]
