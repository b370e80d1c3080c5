"""CSV tables, written atomically."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filterbench.storage.files import write_text

if TYPE_CHECKING:
    import pandas as pd

# A spreadsheet computes a cell that begins with one of these.
FORMULA = ("=", "+", "-", "@", "\t", "\n")


def read_table(path: Path | str, **types: type) -> pd.DataFrame:
    """Read a table.

    Args:
        path: of the CSV file.
        types: of columns, by name; pandas chooses those of the others.

    Returns:
        The table; NaN where a value is missing. Texts such as `NA` or `null` are texts: they can be names.
    """
    import pandas as pd

    return pd.read_csv(path, dtype=types or None, keep_default_na=False, na_values=[""])


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index.

    Some texts come from strangers, such as the source of a reported point. A text that a spreadsheet would
    compute as a formula gets a leading apostrophe; numbers are unchanged (OWASP, CSV injection).
    """
    texts = {
        name: [_plain(value) for value in column]
        for name, column in table.items()
        if any(isinstance(value, str) for value in column)
    }
    write_text(path, table.assign(**texts).to_csv(index=False, lineterminator="\n"))  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if not isinstance(value, str):
        return value
    # Python 3.11 does not quote a carriage return, at which a spreadsheet begins another row.
    text = value.replace("\r", "\n")
    if not text.startswith(FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
