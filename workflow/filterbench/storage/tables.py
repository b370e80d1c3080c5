"""CSV tables, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filterbench.storage.files import write_text

if TYPE_CHECKING:
    import pandas as pd


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
