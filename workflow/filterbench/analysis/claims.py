"""Points that papers report, from a table, beside a study's curves."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from filterbench.analysis.claims_table import Claim, read_rows
from filterbench.analysis.curves import UNIT, accuracy_at
from filterbench.analysis.hypotheses import OPEN
from filterbench.analysis.pareto import COSTS
from filterbench.analysis.seeds import statistics
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)

JUDGED = [
    *("label", "source", "model", "like_for_like", "accuracy", "cost", "factor"),
    *("curve", "seeds", "curve_mean", "curve_low", "curve_high", "difference", "verdict"),
]
# The pruner of the unpruned net's row, which is not a point.
UNPRUNED = "original"
ABOVE, ON, BELOW = "above", "on", "below"


def read_claims(path: Path) -> pd.DataFrame:
    """The points of a table of what papers report; docs/claims.md says what its columns mean.

    Returns:
        One row per point: `label`, `source`, `dataset`, `model`, `pruner`, `accuracy` (0..1), `params`,
        `flops`, `params_factor` and `flops_factor` (NaN where the table has no value), `convention`,
        `like_for_like` (bool), and `line`, its line in the file.

    Raises:
        InputError: the file is not such a table; the message names the row and the column.
    """
    points = pd.DataFrame(map(_point, read_rows(path)))
    return points[points["pruner"] != UNPRUNED].reset_index(drop=True)


def claims_about(path: Path, models: Collection[str]) -> pd.DataFrame:
    """The points of a table, as `read_claims` returns them; those of no model of the study are named.

    Raises:
        InputError: the file is not such a table, or none of its points is of one of the models.
    """
    points = read_claims(path)
    others = points[~points["model"].isin(models)]
    allowed = f"the study has {', '.join(models)}"
    if len(others) == len(points):
        raise InputError(f"{path}: no point is of a model of the study: {', '.join(models)}")
    if len(others):
        named = ", ".join(f"line {line} ({model})" for line, model in others[["line", "model"]].values)
        logger.warning("%s: points of other models are not shown: %s; %s", path, named, allowed)
    return points


def _point(claim: Claim) -> dict[str, object]:
    """A row as a point of a figure."""
    return {
        **{name: claim.texts[name] for name in ("source", "model", "dataset", "pruner", "convention")},
        "label": claim.title,
        "accuracy": claim.value("accuracy"),
        **{cost: claim.value(cost) for cost in COSTS},
        **{f"{cost}_factor": claim.factor(cost) for cost in COSTS},
        "like_for_like": claim.like_for_like,
        "line": claim.line,
    }


def placed(claims: pd.DataFrame, model: str, dataset: str, table: pd.DataFrame) -> pd.DataFrame:
    """The points of a model, with counts and factors computed from each other by the study's unpruned net.

    A point on another dataset than the study's is not like for like. The table is the model's
    `comparison.csv`, and the claims are from `read_claims`.
    """
    points = claims[claims["model"] == model].copy()
    points["like_for_like"] &= points["dataset"].isin(("", dataset))
    for cost in COSTS:
        original = float(table[f"{cost}_original"].mean())
        points[f"{cost}_factor"] = points[f"{cost}_factor"].fillna(original / points[cost])
        points[cost] = points[cost].fillna(original / points[f"{cost}_factor"])
    return points


def judged(points: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Each point against each pruner's curve at the same factor: above it, on it or below it.

    A curve's accuracy there is the mean over seeds, with its 95 % t interval; a point within that interval is
    `on` the curve. Fewer than three seeds give `cannot tell`. A curve without cells near that factor has no
    row. The points are from `placed`, and the table is the model's `comparison.csv`.
    """
    feasible = table[table["infeasible"].isna()]
    rows = [
        {**point[JUDGED[:5]].to_dict(), "cost": cost, "factor": round(factor, 4), "curve": pruner, **found}
        for _, point in points.iterrows()
        for cost in COSTS
        if (factor := point[f"{cost}_factor"]) >= 1
        for pruner, own in feasible.groupby("pruner", sort=False)
        if (found := _against(point["accuracy"], own, cost, factor))
    ]
    return pd.DataFrame(rows, columns=JUDGED)


def _against(accuracy: float, cells: pd.DataFrame, cost: str, factor: float) -> dict[str, object]:
    """An accuracy against a pruner's curve at a factor; empty if the curve has no cells near it."""
    seeds = [float(accuracy_at(each, cost, [factor])[0]) for _, each in cells.groupby(UNIT, sort=False)]
    curve = statistics(pd.Series(seeds))
    if not curve["n"]:
        return {}
    low, high, verdict = curve["low"], curve["high"], OPEN
    if not math.isnan(low):
        verdict = ABOVE if accuracy > high else BELOW if accuracy < low else ON
    return {
        "seeds": curve["n"],
        "curve_mean": curve["mean"],
        "curve_low": low,
        "curve_high": high,
        "difference": 100 * (accuracy - curve["mean"]),
        "verdict": verdict,
    }
