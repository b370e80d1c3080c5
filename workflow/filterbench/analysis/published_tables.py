"""Tables and names of the published study; `filterbench.analysis.published` reads its cells.

This module does not import pandas, so that Snakemake starts quickly.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

RESOURCES = Path(__file__).parents[1] / "resources"
RAW_TABLE = RESOURCES / "published_raw.csv"
PAPER_TABLE = RESOURCES / "autocompress_paper.csv"


@cache
def published_names(column: str) -> tuple[str, ...]:
    """The published values of a column, such as `model` or `pruner`, without duplicates."""
    with RAW_TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(dict.fromkeys(row[column] for row in csv.DictReader(file)))
