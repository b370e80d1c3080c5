"""What several machines made of one study, side by side; nothing is averaged over machines."""

from __future__ import annotations

from typing import TypedDict

import pandas as pd

from filterbench.analysis.seeds import statistics

GROUP = ["model", "pruner", "target"]


class Mean(TypedDict):
    """A machine's cells of one model, pruner and target."""

    model: str
    pruner: str
    target: str
    machine: str
    versions: list[str]
    seeds: list[int]
    infeasible: list[int]
    accuracy: float | None
    low: float | None
    high: float | None
    params: float | None
    flops: float | None


class OnSeveral(TypedDict):
    """A cell that several machines made."""

    model: str
    pruner: str
    target: str
    seed: int
    accuracies: dict[str, float | None]
    range_points: float | None


def means(table: pd.DataFrame) -> list[Mean]:
    """The mean over seeds of each machine's cells.

    Args:
        table: one row per cell and machine (`filterbench.results.machines.table_by_machine`).

    Returns:
        Accuracies are fractions, with the 95 % t interval of the mean where there are three seeds or more;
        counts are those of the compact nets; null where no cell is feasible.
    """
    found: list[Mean] = []
    for keys, cells in table.groupby([*GROUP, "machine"], sort=False):
        model, pruner, target, machine = map(str, keys)
        made = cells[cells["infeasible"].isna()]
        over = statistics(made.get("performance_finetuned", pd.Series(dtype=float)).astype(float))
        counts = [made.get(f"{name}_compact", pd.Series(dtype=float)).mean() for name in ("params", "flops")]
        accuracy, low, high, params, flops = map(_known, (over["mean"], over["low"], over["high"], *counts))
        found.append(
            {
                "model": model,
                "pruner": pruner,
                "target": target,
                "machine": machine,
                "versions": list(dict.fromkeys(cells["versions"])),
                "seeds": sorted(map(int, made["seed"])),
                "infeasible": sorted(map(int, cells[cells["infeasible"].notna()]["seed"])),
                "accuracy": accuracy,
                "low": low,
                "high": high,
                "params": params,
                "flops": flops,
            }
        )
    return found


def on_several(table: pd.DataFrame) -> list[OnSeveral]:
    """The cells that several machines made, with the accuracy of each; null where one is infeasible.

    Args:
        table: as for `means`.
    """
    found: list[OnSeveral] = []
    for keys, cells in table.groupby([*GROUP, "seed"], sort=False):
        if len(cells) == 1:
            continue
        accuracies = cells.get("performance_finetuned", pd.Series(float("nan"), cells.index)).astype(float)
        model, pruner, target, seed = map(str, keys)
        found.append(
            {
                "model": model,
                "pruner": pruner,
                "target": target,
                "seed": int(seed),
                "accuracies": dict(zip(cells["machine"], map(_known, accuracies), strict=True)),
                "range_points": _known(100 * (accuracies.max(skipna=False) - accuracies.min(skipna=False))),
            }
        )
    return found


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
