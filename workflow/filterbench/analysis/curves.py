"""Accuracy along a pruner's curve, and the accuracies of several pruners at the same budgets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

# Compression factors are powers of two, as Blalock et al. 2020 (arXiv:2003.03033, section 6) ask papers to
# report, as far as the cells reach.
FACTORS = tuple(2.0**power for power in range(1, 13))
SMALLEST_FACTOR = FACTORS[0]
# For latency, the fourth roots: however few parameters a narrow net has, it seldom takes half the time.
LATENCY_ROOT = 0.25
# Accuracy is concave in the logarithm of the factor, so a line across a wide gap is too low.
LARGEST_GAP = 2.5
UNIT = ["model", "seed"]


def smallest_factor(cost: str) -> float:
    """The smallest factor at which pruners are compared at equal params, FLOPs or latency."""
    return _of_cost(SMALLEST_FACTOR, cost)


def _of_cost(factor: float, cost: str) -> float:
    return factor**LATENCY_ROOT if cost == "latency" else factor


def accuracy_at(cells: pd.DataFrame, cost: str, factors: Sequence[float]) -> np.ndarray:
    """Accuracy of one pruner at compression factors; NaN where its cells give none.

    Linear between neighbouring cells on the logarithm of the factor, the scale of the figures; never across
    a gap of more than 2.5 times (for latency, its fourth root), below the first cell, or beyond the last one.
    For latency, cells that are not faster than a milder one are left out. The curve starts at the unpruned
    net only if that net had the same fine-tuning (`performance_original_finetuned`).

    Args:
        cells: the feasible cells of one pruner, model and seed.
        cost: `params`, `flops` or `latency`.
        factors: original count over pruned count, at least 1; shape (factors,).

    Returns:
        Accuracies, 0 to 1, of shape (factors,).
    """
    if cost == "latency":
        cells = _faster_than_milder(cells)
    known = pd.Series(cells["performance_finetuned"].to_numpy(), index=_factors(cells, cost))
    if "performance_original_finetuned" in cells:
        known = pd.concat([known, pd.Series([cells["performance_original_finetuned"].mean()], index=[1.0])])
    known = known.dropna().groupby(level=0).mean()
    asked, points = np.log(factors), np.log(known.index.to_numpy(dtype=float))
    if not len(points):
        return np.full(len(asked), np.nan)
    nearest = points[np.abs(points - asked[:, None]).argmin(axis=1)]
    on_a_cell = np.isclose(nearest, asked, atol=1e-9)
    asked = np.where(on_a_cell, nearest, asked)
    found = np.interp(asked, points, known, left=np.nan, right=np.nan)
    right = np.searchsorted(points, asked).clip(1, max(1, len(points) - 1))
    gaps = np.diff(points, append=np.inf)[right - 1]
    found[(gaps > np.log(_of_cost(LARGEST_GAP, cost))) & ~on_a_cell] = np.nan
    return found


def _faster_than_milder(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that are faster than all milder ones; nobody would use the others."""
    ordered = cells.sort_values("sparsity")
    factors = pd.Series(_factors(ordered, "latency"), ordered.index)
    return ordered[factors > factors.cummax().shift(fill_value=0)]


def accuracies(table: pd.DataFrame, pruners: Sequence[str], cost: str) -> pd.DataFrame:
    """Accuracies of several pruners at the same budgets, in each model and seed.

    Where the pruners have the same counts at each sparsity, as those that prune all layers alike have on
    VGG16, their cells are compared as they are, and a factor is the mean over seeds. Otherwise, or where
    models differ in these factors, the factors are powers of two (for latency, their fourth roots), and
    accuracies come from `accuracy_at`.

    Args:
        table: cells of any models and seeds.
        pruners: whose accuracies.
        cost: `params`, `flops` or `latency`.

    Returns:
        Accuracies (0..1), one column per pruner and one row per (model, seed, factor) that all the pruners
        reach; factors from `smallest_factor` on.
    """
    feasible = table[table["infeasible"].isna() & table["pruner"].isin(pruners)]
    if feasible.empty:
        nothing = pd.MultiIndex.from_arrays([[], [], []], names=[*UNIT, "factor"])
        return pd.DataFrame(columns=list(pruners), index=nothing)
    found = _at_equal_cells(feasible, pruners, cost)
    if found is None:
        factors = [_of_cost(factor, cost) for factor in FACTORS]
        index = pd.Index(factors, name="factor")
        curves = {
            (*unit, pruner): pd.Series(accuracy_at(cells, cost, factors), index)
            for (*unit, pruner), cells in feasible.groupby([*UNIT, "pruner"], sort=False)
        }
        found = pd.concat(curves, names=[*UNIT, "pruner"]).unstack("pruner")
    found = found.reindex(columns=list(pruners)).dropna()
    return found[found.index.get_level_values("factor") >= smallest_factor(cost)]


def matched_accuracies(table: pd.DataFrame, pruners: Sequence[str], cost: str) -> pd.DataFrame:
    """Accuracies of pruners that were matched to the first one cell by cell, in each model and seed.

    Args:
        table: cells of any models and seeds.
        pruners: whose accuracies; the first one's cells give the factor of each sparsity.
        cost: `params` or `flops`.

    Returns:
        As `accuracies`; a factor is the mean over models and seeds.
    """
    feasible = table[table["infeasible"].isna() & table["pruner"].isin(pruners)]
    factors, found = _cell_by_cell(feasible, pruners, cost)
    return _at_mean_factors(factors[pruners[0]], found.dropna())


def _at_equal_cells(cells: pd.DataFrame, pruners: Sequence[str], cost: str) -> pd.DataFrame | None:
    """Accuracies at the cells' own factors; None where these differ between pruners or models."""
    factors, found = (values.dropna() for values in _cell_by_cell(cells, pruners, cost))
    if factors.empty or factors.nunique(axis="columns").max() > 1:
        return None
    own = factors[pruners[0]]
    of_models = own.groupby(["model", "sparsity"]).mean().unstack("model")
    if not np.isclose(of_models.max(axis=1), of_models.min(axis=1), rtol=1e-9).all():
        return None
    return _at_mean_factors(own, found)


def _at_mean_factors(factors: pd.Series, found: pd.DataFrame) -> pd.DataFrame:
    """Accuracies by the mean over models and seeds of the factors at each sparsity."""
    mean = factors.groupby("sparsity").mean()
    found = found.assign(factor=found.index.get_level_values("sparsity").map(mean.to_dict()))
    # Two sparsities can leave the same net.
    return found.groupby([*UNIT, "factor"], sort=False).mean()


def _cell_by_cell(cells: pd.DataFrame, pruners: Sequence[str], cost: str) -> list[pd.DataFrame]:
    """Factors and accuracies, one row per (model, seed, sparsity) and one column per pruner."""
    rows = cells.assign(factor=_factors(cells, cost)).set_index([*UNIT, "sparsity", "pruner"])
    return [
        rows[column].unstack("pruner").reindex(columns=list(pruners))
        for column in ("factor", "performance_finetuned")
    ]


def _factors(cells: pd.DataFrame, cost: str) -> np.ndarray:
    return (cells[f"{cost}_original"] / cells[f"{cost}_compact"]).astype(float).to_numpy()
