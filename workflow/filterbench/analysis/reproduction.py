"""A study's cells beside the published ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pandas as pd

from filterbench.analysis.estimates import json_number
from filterbench.analysis.hypotheses import MARGIN
from filterbench.analysis.published import published_cells

EXACT, WITHIN, OFF, INFEASIBLE, NOT_RUN = "exact", "within tolerance", "off", "infeasible", "not run"
STATUSES = (EXACT, WITHIN, OFF, INFEASIBLE, NOT_RUN)
# Percent of the published count. ResNets' counts depend on trained weights, so they vary with the seed.
COUNT_TOLERANCE = 1.0
ACCURACY_TOLERANCE = MARGIN
KEYS = ["pruner", "sparsity"]
METRICS = {"accuracy": "performance_finetuned", "params": "params_compact", "flops": "flops_compact"}


class CellDocument(TypedDict):
    """A published cell beside the study's in `reproduction.json`; by metric the values and differences."""

    model: str
    pruner: str
    sparsity: float
    seeds: int
    published: dict[str, float | None]
    ours: dict[str, float | None]
    difference: dict[str, float | None]
    status: str
    reason: NotRequired[str]


def compare_with_published(model: str, ours: pd.DataFrame) -> list[CellDocument]:
    """Each published cell of a model beside the study's, means over seeds.

    Args:
        model: a model of the published study.
        ours: the study's cells of that model that are made; metrics that are not known yet, or that cannot
            be compared, are NaN.
    """
    made = dict(list(ours.groupby(KEYS)))
    return [
        _cell(model, published, made.get((published["pruner"], published["sparsity"])))
        for _, published in published_cells(model).iterrows()
    ]


def _cell(model: str, published: pd.Series, cells: pd.DataFrame | None) -> CellDocument:
    theirs = {name: published[column] for name, column in METRICS.items()}
    entry: CellDocument = {
        "model": model,
        "pruner": published["pruner"],
        "sparsity": float(published["sparsity"]),
        "seeds": 0 if cells is None else len(cells),
        "published": _metrics(theirs),
        "ours": dict.fromkeys(METRICS),
        "difference": {"accuracy_points": None, "params_percent": None, "flops_percent": None},
        "status": NOT_RUN,
    }
    if cells is None:
        return entry
    if cells["infeasible"].notna().any():
        entry["status"], entry["reason"] = INFEASIBLE, cells["infeasible"].dropna().iloc[0]
        return entry
    means = {name: cells[column].astype(float).mean() for name, column in METRICS.items()}
    differences = {
        "accuracy_points": 100 * (means["accuracy"] - theirs["accuracy"]),
        "params_percent": 100 * (means["params"] / theirs["params"] - 1),
        "flops_percent": 100 * (means["flops"] / theirs["flops"] - 1),
    }
    entry["ours"] = _metrics(means)
    entry["difference"] = {name: json_number(value) for name, value in differences.items()}
    entry["status"] = _status(means, theirs, differences)
    return entry


def _status(means: dict[str, float], theirs: dict[str, float], differences: dict[str, float]) -> str:
    """A cell's status; an accuracy that is not known decides nothing."""
    if abs(differences["accuracy_points"]) > ACCURACY_TOLERANCE:
        return OFF
    if means["params"] == theirs["params"] and means["flops"] == theirs["flops"]:
        return EXACT
    near = all(abs(differences[f"{count}_percent"]) <= COUNT_TOLERANCE for count in ("params", "flops"))
    return WITHIN if near else OFF


def _metrics(values: Mapping[str, float]) -> dict[str, float | None]:
    """Published or mean metrics as documents hold them; whole counts without a fraction."""
    numbers = {name: json_number(value, 6) for name, value in values.items()}
    return {
        name: int(number) if number is not None and name != "accuracy" and number.is_integer() else number
        for name, number in numbers.items()
    }


def summary(cells: list[CellDocument]) -> list[dict[str, str | int]]:
    """How many cells of each pruner have which status."""
    counts = Counter((cell["pruner"], cell["status"]) for cell in cells)
    return [
        {"pruner": pruner, **{status.replace(" ", "_"): counts[pruner, status] for status in STATUSES}}
        for pruner in dict.fromkeys(cell["pruner"] for cell in cells)
    ]
