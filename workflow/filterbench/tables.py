"""CSV tables, written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filterbench.documents.schemas import schema_faults
from filterbench.errors import InputError
from filterbench.files import write_text

if TYPE_CHECKING:
    import pandas as pd

SEARCH_COLUMNS = ("step", "choice", "sparsities", "score", "accepted", "seconds")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def blind_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The cells whose search had no candidate above chance, and so nothing to choose by.

    Args:
        table: cells; `search_blind` (true, false or NaN, also as text in a CSV file) may be absent.
    """
    if "search_blind" not in table:
        return table.iloc[:0]
    return table[table["search_blind"].astype(str).str.lower() == "true"]


def write_search(path: Path, steps: Iterable[dict[str, Any]]) -> None:
    """Write a search's steps, one row a candidate; `workflow/schemas/search.schema.json` says what they hold.

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
