"""CSV tables, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filterbench.storage.files import write_text

if TYPE_CHECKING:
    import pandas as pd

# With these a cell that a spreadsheet computes begins.
FORMULA = ("=", "+", "-", "@", "\t", "\n")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index.

    Some texts are a stranger's, such as the source of a reported point. One that a spreadsheet would compute
    as a formula gets an apostrophe in front; numbers stay as they are.
    """
    texts = {
        name: [_plain(value) if isinstance(value, str) else value for value in column]
        for name, column in table.items()
        if any(isinstance(value, str) and value != _plain(value) for value in column)
    }
    write_text(path, table.assign(**texts).to_csv(index=False, lineterminator="\n"))  # type: ignore[arg-type]


def _plain(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    # Python 3.11 does not quote a carriage return, at which a spreadsheet begins another row.
    text = text.replace("\r", "\n")
    if not text.startswith(FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
