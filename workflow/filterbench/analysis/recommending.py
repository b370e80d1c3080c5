"""Which pruner to take, for an allowed loss of accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from filterbench.analysis.blind import blind_cells
from filterbench.analysis.curves import UNIT
from filterbench.analysis.seeds import MIN_UNITS, t_interval
from filterbench.domain.names import short

COLUMNS = [
    *("rank", "pruner", "sparsity", "accuracy", "drop", "low", "high"),
    *("surely", "factor", "count", "first", "notes"),
]
LEGEND = (
    "rank: by size; nets of equal size share it, and the more accurate one comes first; accuracy: mean over "
    "seeds, per cent; drop: mean loss of accuracy, in points; low, high: the drop's 95 % "
    "interval, empty where seeds give none; surely: whether that interval lies within the allowed loss; "
    "factor: how many times smaller the net is; count: what is left; first: with how many seeds no other "
    "pruner has a smaller net"
)
# Costs that can be saved: names of columns, with words for the saving. Latencies are relative to the unpruned
# net's, and are there once they are measured.
LATENCIES = {
    f"relative_{runtime}_{batch}": f"faster for {images} in {runtime}"
    for runtime in ("torch", "onnxruntime", "torch-compile")
    for batch, images in (("single", "one image"), ("batch", "a batch"))
}
# Columns of `latency.csv` in bytes; their savings are relative, too.
MEMORY = {
    "activations_batch": "less memory for the activations of a batch",
    "process_batch": "less memory for a process with onnxruntime and a batch",
    "onnx_bytes": "smaller as an ONNX file",
}
MEASURED = LATENCIES | {f"relative_{name}": words for name, words in MEMORY.items()}
COSTS = {"params": "fewer params", "flops": "fewer FLOPs", **MEASURED}
# Logarithms of counts that differ by less are equal, and factors that do not differ in these digits.
ALIKE = 1e-9
DIGITS = 9


def known_costs(table: pd.DataFrame) -> dict[str, str]:
    """Those of `COSTS` that a table of cells has."""
    return {cost: words for cost, words in COSTS.items() if f"{cost}_compact" in table}


def recommendations(cells: pd.DataFrame, cost: str, drop: float) -> pd.DataFrame:
    """The smallest net of each pruner that loses at most the allowed accuracy.

    Args:
        cells: of one model; only pruners that may be recommended.
        cost: `params`, `flops`, or another that the table has as `{cost}_original` and `{cost}_compact`.
        drop: allowed loss of test accuracy, in points.

    Returns:
        One row per pruner that has such a net, the smallest first and of equal ones, which share their
        `rank`, the most accurate first. `sparsity` is the one that was asked for.
        `accuracy` (per cent), `drop` (the loss in points, with its 95 % interval `low` to `high`), `factor`
        (how many times smaller than the unpruned net) and `count` (what is left) are means over seeds.
        `surely` says whether that interval lies within the allowed loss, `first` with how many seeds no
        pruner has a smaller net. `notes` are remarks.
    """
    each, seeds = _with_factors(cells, cost), cells["seed"].nunique()
    first = _firsts(each, drop)
    rows = []
    for pruner, own in each.groupby("pruner", sort=False):
        by_sparsity = own.groupby("sparsity").agg(
            lost=("lost", "mean"), factor=("factor", "mean"), made=("lost", "size")
        )
        # A pruned net can be slower than the unpruned one.
        smaller = (by_sparsity["made"] == seeds) & (by_sparsity["factor"] > 1)
        within = by_sparsity[(by_sparsity["lost"] <= drop) & smaller]
        if within.empty:
            continue
        sparsity = float(str(within["factor"].idxmax()))
        chosen = own[own["sparsity"] == sparsity]
        low, high = t_interval(chosen["lost"].to_list())
        rows.append(
            {
                "pruner": short(str(pruner)),
                "sparsity": sparsity,
                "accuracy": 100 * chosen["performance_finetuned"].mean(),
                "drop": chosen["lost"].mean(),
                "low": low,
                "high": high,
                "surely": "yes" if high <= drop else "cannot tell",
                "factor": chosen["factor"].mean(),
                "count": chosen[f"{cost}_compact"].mean(),
                "first": f"{first.get(pruner, 0)} of {seeds}",
                "notes": _notes(cells[cells["pruner"] == pruner], sparsity),
            }
        )
    found = pd.DataFrame(rows, columns=COLUMNS)
    found["rank"] = found["factor"].round(DIGITS).rank(method="min", ascending=False).astype(int)
    return found.sort_values(["rank", "drop"], ignore_index=True)


def _with_factors(cells: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The feasible cells with `lost`, in points, and `factor`, how many times less of the cost is left."""
    made = cells[cells["infeasible"].isna()]
    lost = 100 * (made["performance_original"] - made["performance_finetuned"])
    return made.assign(lost=lost, factor=(made[f"{cost}_original"] / made[f"{cost}_compact"]).astype(float))


def _firsts(each: pd.DataFrame, drop: float) -> pd.Series:
    """With how many seeds no pruner has a smaller net within the drop, by pruner."""
    within = each[each["lost"] <= drop]
    best = within.groupby([*UNIT, "pruner"])["factor"].max().round(DIGITS).unstack("pruner")
    return best.eq(best.max(axis="columns"), axis="index").sum()


def _notes(own: pd.DataFrame, sparsity: float) -> str:
    """Remarks on a pruner's cells: blind searches at a sparsity, and infeasible sparsities."""
    blind = blind_cells(own[own["sparsity"] == sparsity])["seed"].nunique()
    refused = sorted(own[own["infeasible"].notna()]["sparsity"].unique())
    said = [f"its search was blind with {blind} of {own['seed'].nunique()} seeds"] * (blind > 0)
    said += [f"infeasible at {', '.join(f'{each:g}' for each in refused)}"] * bool(refused)
    return "; ".join(said)


def leader(cells: pd.DataFrame, cost: str, drop: float, found: pd.DataFrame) -> str:
    """Which pruner to take, in a sentence, or that the seeds cannot tell.

    The two pruners with the smallest nets are compared by the ratio of their factors, paired by seed. `found`
    are the `recommendations` of the other arguments, at least one row.
    """
    if len(found) == 1:
        return f"{found['pruner'][0]}: no other pruner has such a net."
    each = _with_factors(cells, cost)
    each = each.assign(pruner=each["pruner"].map(short)).set_index(["pruner", "sparsity", *UNIT]).sort_index()
    first, other = (each.loc[(found["pruner"][row], found["sparsity"][row])] for row in (0, 1))
    ratios = np.log(first["factor"] / other["factor"]).dropna().to_list()
    low, _ = t_interval(ratios)
    ahead, second = found["pruner"][0], found["pruner"][1]
    if np.abs(ratios).max() < ALIKE:
        return _most_accurate(found, (other["lost"] - first["lost"]).to_list())
    word = "faster" if cost in LATENCIES else "smaller"
    said = f"{ahead}'s net is {np.exp(np.mean(ratios)):.2f} times {word} than {second}'s"
    if len(ratios) < MIN_UNITS:
        return f"cannot tell: {said}, but an interval needs at least {MIN_UNITS} seeds."
    if ratios[0] > 0 and np.ptp(ratios) < ALIKE:
        return f"{said}, by counts that are the same with every seed."
    if not low > 0:
        return f"cannot tell: {said}, but not with 95 % confidence over {len(ratios)} seeds."
    but = "" if found["surely"][0] == "yes" else f", though its own loss may be above {drop:g} points"
    return f"{said}, with 95 % confidence over {len(ratios)} seeds{but}."


def _most_accurate(found: pd.DataFrame, ahead: Sequence[float]) -> str:
    """Which of the pruners whose nets are equally small loses least.

    `ahead` is how much more accurate the first of them is than the second, in points, by seed.
    """
    equal = list(found["pruner"][found["rank"] == 1])
    named = f"{', '.join(equal[:-1])} and {equal[-1]}"
    low, high = t_interval(ahead)
    spread = "" if math.isnan(low) else f" (95 % interval {low:+.2f} to {high:+.2f})"
    if not np.any(ahead):
        return f"{named} have equally small nets; {equal[0]}'s and {equal[1]}'s are equally accurate."
    return (
        f"{named} have equally small nets; {equal[0]}'s is the most accurate, "
        f"by {np.mean(ahead):.2f} points{spread}."
    )
