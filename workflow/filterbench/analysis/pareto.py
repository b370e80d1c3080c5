"""The fronts of accuracy against cost: the cells that no other cell beats."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

COSTS = ("params", "flops")


def with_fronts(table: pd.DataFrame, costs: Sequence[str] = COSTS) -> pd.DataFrame:
    """The table with a column `pareto_{cost}` for each cost: whether a cell is on that front.

    A cell is on the front if no other cell has at least its accuracy for at most its count, and is better in
    one of them. Accuracy and count are means over seeds, so all seeds of a cell are on it or none is. A cell
    that is infeasible with any seed is not on the front and beats no other: its mean would be that of the
    luckier seeds.
    """
    keys = ["pruner", "sparsity"]
    columns = ["performance_finetuned", *(f"{cost}_compact" for cost in costs)]
    made = table.assign(made=table[columns].notna().all(axis="columns"))
    complete = made.groupby(keys, sort=False)["made"].all()
    means = table.groupby(keys, sort=False)[columns].mean()[complete]
    for cost in costs:
        count, accuracy = means[f"{cost}_compact"], means["performance_finetuned"]
        on_front = [
            not (
                (accuracy >= accuracy[cell])
                & (count <= count[cell])
                & ((accuracy > accuracy[cell]) | (count < count[cell]))
            ).any()
            for cell in means.index
        ]
        front = pd.Series(on_front, means.index, dtype=bool).reindex(complete.index, fill_value=False)
        table = table.join(front.rename(f"pareto_{cost}"), on=keys)
    return table
