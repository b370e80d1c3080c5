"""A study's cells beside the published ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from filterbench.analysis.claims import MARGIN
from filterbench.analysis.published import published_cells
from filterbench.analysis.wording import json_number

EXACT, WITHIN, OFF, INFEASIBLE, NOT_RUN = "exact", "within tolerance", "off", "infeasible", "not run"
STATUSES = (EXACT, WITHIN, OFF, INFEASIBLE, NOT_RUN)
# Percent of the published count. ResNets' counts depend on trained weights, so they vary with the seed.
COUNT_TOLERANCE = 1.0
ACCURACY_TOLERANCE = MARGIN
KEYS = ["pruner", "sparsity"]
METRICS = {"accuracy": "performance_finetuned", "params": "params_compact", "flops": "flops_compact"}


def compare_with_published(model: str, ours: pd.DataFrame) -> list[dict[str, Any]]:
    """Each published cell of a model beside the study's, means over seeds.

    Args:
        model: a model of the published study.
        ours: the study's cells of that model, as far as they have been made; figures that are not known
            yet, or cannot be compared, are NaN.
    """
    made = dict(list(ours.groupby(KEYS)))
    return [
        _cell(model, published, made.get((published["pruner"], published["sparsity"])))
        for _, published in published_cells(model).iterrows()
    ]


def _cell(model: str, published: pd.Series, cells: pd.DataFrame | None) -> dict[str, Any]:
    theirs = {name: published[column] for name, column in METRICS.items()}
    entry: dict[str, Any] = {
        "model": model,
        "pruner": published["pruner"],
        "sparsity": float(published["sparsity"]),
        "seeds": 0 if cells is None else len(cells),
        "published": {name: _metric(name, value) for name, value in theirs.items()},
        "ours": dict.fromkeys(METRICS),
        "difference": {"accuracy_points": None, "params_percent": None, "flops_percent": None},
    }
    if cells is None:
        return entry | {"status": NOT_RUN}
    if cells["infeasible"].notna().any():
        return entry | {"status": INFEASIBLE, "reason": cells["infeasible"].dropna().iloc[0]}
    means = {name: cells[column].astype(float).mean() for name, column in METRICS.items()}
    entry["ours"] = {name: _metric(name, value) for name, value in means.items()}
    differences = {
        "accuracy_points": 100 * (means["accuracy"] - theirs["accuracy"]),
        "params_percent": 100 * (means["params"] / theirs["params"] - 1),
        "flops_percent": 100 * (means["flops"] / theirs["flops"] - 1),
    }
    entry["difference"] = {name: json_number(value, 4) for name, value in differences.items()}
    return entry | {"status": _status(means, theirs, differences)}


def _status(means: dict[str, float], theirs: dict[str, float], differences: dict[str, float]) -> str:
    """A cell's status; an accuracy that is not known decides nothing."""
    if abs(differences["accuracy_points"]) > ACCURACY_TOLERANCE:
        return OFF
    if means["params"] == theirs["params"] and means["flops"] == theirs["flops"]:
        return EXACT
    near = all(abs(differences[f"{count}_percent"]) <= COUNT_TOLERANCE for count in ("params", "flops"))
    return WITHIN if near else OFF


def _metric(name: str, value: float) -> float | int | None:
    """A published or a mean metric as documents hold it; whole counts without a fraction."""
    number = json_number(value, 6)
    return int(number) if number is not None and name != "accuracy" and number.is_integer() else number


def summary(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many cells of each pruner have which status."""
    counts: dict[str, Counter[str]] = {}
    for cell in cells:
        counts.setdefault(cell["pruner"], Counter())[cell["status"]] += 1
    return [
        {"pruner": pruner, **{status.replace(" ", "_"): count[status] for status in STATUSES}}
        for pruner, count in counts.items()
    ]
