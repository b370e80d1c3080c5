"""The published study's figures, in the columns of `comparison.csv`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from filterbench.errors import InputError

TABLE = Path(__file__).parents[2] / "resources/published.csv"
STUDY_SOURCE = "nni"
# The study has one run of each cell and names no seed.
SEED = 0


def published_cells(model: str) -> pd.DataFrame:
    """The published cells of a model, by pruner and rising sparsity.

    Raises:
        InputError: the published study has no such model.
    """
    table = _table()
    rows = table[(table["source"] == STUDY_SOURCE) & (table["model"] == model)]
    if rows.empty:
        raise InputError(f"{TABLE}: no model {model!r}; published: {', '.join(published_models())}")
    original = rows[rows["pruner"] == "original"].iloc[0]
    cells = rows[rows["pruner"] != "original"]
    return pd.DataFrame(
        {
            "model": cells["model"],
            "pruner": cells["pruner"],
            "sparsity": cells["sparsity"],
            "seed": SEED,
            "infeasible": None,
            "performance_original": original["accuracy"],
            "performance_finetuned": cells["accuracy"],
            "params_original": int(original["params"]),
            "params_speedup": cells["params"],
            "flops_original": int(original["flops"]),
            "flops_speedup": cells["flops"],
        }
    ).reset_index(drop=True)


def paper_points(model: str) -> pd.DataFrame:
    """Points that the study quotes from papers (accuracy, params, flops); they are not like for like."""
    table = _table()
    return table[(table["like_for_like"] == "no") & (table["model"] == model)]


def published_models() -> list[str]:
    """The models of the published study."""
    table = _table()
    return list(dict.fromkeys(table.loc[table["source"] == STUDY_SOURCE, "model"]))


@cache
def _table() -> pd.DataFrame:
    return pd.read_csv(TABLE)
