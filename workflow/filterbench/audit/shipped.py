"""The table of the literature that comes with the workflow."""

from __future__ import annotations

from pathlib import Path

NAME = "literature"
TABLE = Path(__file__).parents[1] / "resources/claims/literature.csv"


def table_named(claims: str) -> Path:
    """The table that `claims` names: a file, or with the name `literature` the one that is shipped."""
    return TABLE if claims == NAME else Path(claims)
