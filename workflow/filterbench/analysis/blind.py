"""Blind searches: their choices had no candidate above chance."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from filterbench.analysis.wording import listed
from filterbench.domain.names import short


def blind_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The cells whose search was blind: at none of its choices was a candidate above chance.

    `search_blind` is true, false or NaN, also as text in a CSV file, and may be absent.
    """
    if "search_blind" not in table:
        return table.iloc[:0]
    return table[table["search_blind"].astype(str).str.lower() == "true"]


def blind_notes(table: pd.DataFrame, pruners: Sequence[str]) -> list[str]:
    """A sentence per pruner and model: how many choices were blind, and in which cells all of them were.

    `search_choices` and `search_blind_choices` may be absent, as in the published cells.
    """
    own = table[table["pruner"].isin(pruners)]
    return [
        f"{short(str(pruner))} on {model}: {words}."
        for (model, pruner), cells in own.groupby(["model", "pruner"], sort=False)
        if (words := _said(cells))
    ]


def _said(cells: pd.DataFrame) -> str:
    blind = blind_cells(cells)
    words = []
    if "search_choices" in cells and cells["search_blind_choices"].sum():
        choices, of_them = (int(cells[name].sum()) for name in ("search_choices", "search_blind_choices"))
        words.append(f"{of_them} of {choices} choices had no candidate above chance")
    if len(blind):
        targets = listed(f"{sparsity:g}" for sparsity in sorted(blind["sparsity"].unique()))
        words.append(
            f"the search was blind (no choice had one) in {len(blind)} of {len(cells)} cells, at {targets}"
        )
    return "; ".join(words)
