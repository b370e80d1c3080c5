"""Every pruner against every other at equal budget."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from filterbench.analysis.curves import difference
from filterbench.analysis.seeds import statistics
from filterbench.analysis.verdicts import FACTORS

COLUMNS = ["model", "cost", "factor", "pruner", "other", "n", "mean", "std", "low", "high"]


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of a pruner minus that of another, in percentage points, paired by seed.

    Args:
        table: cells of any models and seeds.

    Returns:
        One row a model, cost (`params`, `flops`), factor (times fewer of it than the unpruned net) and pair
        of pruners that both reach it: number of seeds, mean, sample standard deviation, 95 % t interval.
    """
    rows = []
    for model, cells in table.groupby("model", sort=False):
        for cost in ("params", "flops"):
            for one, other in combinations(cells["pruner"].unique(), 2):
                for factor in FACTORS:
                    found = difference(cells, [one], [other], cost, [factor])
                    if found.pairs:
                        key = dict(zip(COLUMNS, (model, cost, factor, one, other), strict=False))
                        rows.append(key | statistics(pd.Series(found.pairs)))
    return pd.DataFrame(rows, columns=COLUMNS)
