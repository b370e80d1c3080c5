"""Points that papers report, from a table, beside a study's curves."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path

import pandas as pd

from filterbench.analysis.curves import UNIT, accuracy_at
from filterbench.analysis.hypotheses import OPEN
from filterbench.analysis.pareto import COSTS
from filterbench.analysis.seeds import statistics
from filterbench.storage.errors import InputError

REQUIRED = ("source", "model", "accuracy", "convention")
OPTIONAL = (
    *("label", "dataset", "pruner", "sparsity"),
    *("params", "params_factor", "flops", "flops_factor", "like_for_like"),
)
JUDGED = [
    *("label", "source", "model", "like_for_like", "accuracy", "cost", "factor"),
    *("curve", "seeds", "curve_mean", "curve_low", "curve_high", "difference", "verdict"),
]
# How this workflow counts (docs/method.md).
OWN_CONVENTION = "nni-full"
# The pruner of the unpruned net's row, which is not a point.
UNPRUNED = "original"
ABOVE, ON, BELOW = "above", "on", "below"


def read_claims(path: Path) -> pd.DataFrame:
    """A table of reported points, checked; docs/claims.md says what its columns mean.

    Returns:
        One row per point: `label`, `source`, `dataset`, `model`, `pruner`, `accuracy` (0..1), `params`,
        `flops`, `params_factor` and `flops_factor` (NaN where the table has no value), `convention`,
        `like_for_like` (bool).

    Raises:
        InputError: the file is not such a table; the message names the row and the column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not a readable table ({str(reason).splitlines()[0]})") from reason
    missing = [name for name in REQUIRED if name not in table]
    unknown = [name for name in table if name not in (*REQUIRED, *OPTIONAL)]
    wrong = [f"no column {name!r}" for name in missing] + [f"unknown column {name!r}" for name in unknown]
    if wrong or table.empty:
        columns = ", ".join((*REQUIRED, *OPTIONAL))
        raise InputError(f"{path}: {', '.join(wrong) or 'no rows'}; columns: {columns}")
    table = table.reindex(columns=[*REQUIRED, *OPTIONAL], fill_value="")
    points = pd.DataFrame([_point(path, line, row) for line, row in enumerate(table.to_dict("records"), 2)])
    return points[points["pruner"] != UNPRUNED].reset_index(drop=True)


def claims_about(path: Path, models: Collection[str]) -> pd.DataFrame:
    """The points of a table, as `read_claims` returns them.

    Raises:
        InputError: the file is not such a table, or none of its points is of one of the models.
    """
    points = read_claims(path)
    if not set(points["model"]) & set(models):
        raise InputError(f"{path}: no point is of a model of the study: {', '.join(models)}")
    return points


def _point(path: Path, line: int, row: Mapping[Hashable, str]) -> dict[str, object]:
    """A row's values, each of its type."""
    where = f"{path}: line {line}"
    numbers = {name: _number(f"{where}: {name}", row[name]) for name in ("params", "flops", "accuracy")}
    factors = {f"{cost}_factor": _number(f"{where}: {cost}_factor", row[f"{cost}_factor"]) for cost in COSTS}
    for name in REQUIRED:
        if not row[name]:
            raise InputError(f"{where}: {name} is empty")
    if pd.isna([*factors.values(), numbers["params"], numbers["flops"]]).all():
        raise InputError(f"{where}: one of params, params_factor, flops and flops_factor is needed")
    if row["like_for_like"] not in ("yes", "no", ""):
        raise InputError(f"{where}: like_for_like: {row['like_for_like']!r}; allowed: yes, no, or nothing")
    if not 0 < numbers["accuracy"] <= 100:
        raise InputError(f"{where}: accuracy: {row['accuracy']}; allowed: above 0, up to 1, or 100 per cent")
    for name, factor in factors.items():
        if factor < 1:
            raise InputError(f"{where}: {name}: {row[name]}; allowed: how many times fewer, from 1")
    alike = row["convention"] == OWN_CONVENTION
    return {
        **{name: row[name] for name in ("source", "model", "dataset", "pruner", "convention")},
        "label": row["label"] or " ".join(filter(None, (row["pruner"], row["source"]))),
        **numbers,
        "accuracy": numbers["accuracy"] / (100 if numbers["accuracy"] > 1 else 1),
        **factors,
        "like_for_like": row["like_for_like"] == "yes" if row["like_for_like"] else alike,
    }


def _number(where: str, text: str) -> float:
    """A number above 0, as a count or in per cent; NaN for an empty text."""
    if not text:
        return float("nan")
    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError as reason:
        raise InputError(f"{where}: {text!r} is not a number") from reason
    if not 0 < number < float("inf"):
        raise InputError(f"{where}: {text}; allowed: above 0")
    return number


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
