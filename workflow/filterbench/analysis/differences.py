"""Every pruner against every other at equal budget."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from filterbench.analysis.comparing import compare, count_tests
from filterbench.analysis.seeds import LEVEL, statistics

COLUMNS = [
    "model",
    "cost",
    "factor",
    "pruner",
    "other",
    "n",
    "mean",
    "std",
    "low",
    "high",
    "low_corrected",
    "high_corrected",
]
COSTS = ("params", "flops")


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of a pruner minus that of another, in percentage points, paired by seed.

    Args:
        table: cells of any models and seeds, infeasible ones included.

    Returns:
        One row a model, cost (`params`, `flops`), factor (times fewer of it than the unpruned net) and pair
        of pruners that both reach it with every seed: number of seeds, mean, sample standard deviation, and
        two intervals of the mean: `low` to `high` is the 95 % t interval; `low_corrected` to
        `high_corrected` is that of the level 1 - 0.05/m (Bonferroni), where m is the number of the model's
        rows, params and FLOPs of the same cells counted once: with 95 % probability all of the model's
        corrected intervals contain their true means.
    """
    parts = []
    for _, cells in table.groupby("model", sort=False):
        pairs = list(combinations(cells["pruner"].unique(), 2))
        compared = [
            each for cost in COSTS for pair in pairs for each in compare(cells, [pair], [cost]).comparisons
        ]
        for each in compared:
            low, high = each.interval(1 - (1 - LEVEL) / count_tests(compared))
            parts.append(
                {
                    "model": cells["model"].iloc[0],
                    "cost": each.cost,
                    "factor": round(each.factor, 4),
                    "pruner": each.pair[0],
                    "other": each.pair[1],
                    **statistics(pd.Series(each.values)),
                    "low_corrected": low,
                    "high_corrected": high,
                }
            )
    return pd.DataFrame(parts, columns=COLUMNS)
