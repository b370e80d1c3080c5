"""Every pruner against every other at equal budget."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations

import pandas as pd

from filterbench.analysis.comparing import compare
from filterbench.analysis.estimates import by_target, pooled
from filterbench.analysis.pareto import COSTS

COLUMNS = ["model", "cost", "factor", "pruner", "other", "n", "mean", "low", "high", "collapsed", "mean_all"]
# In place of a factor, of the row of a pair that is pooled over them.
ALL = "all"


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of a pruner minus that of another, in percentage points, paired by seed.

    Args:
        table: cells of any models and seeds, infeasible ones included.

    Returns:
        Of each model, cost (`params`, `flops`) and pair of pruners one row with the factor `all`, pooled over
        the factors (times fewer than the unpruned net) that both reach with every seed, and one row per
        factor. `n` to `mean_all` are those of `filterbench.analysis.estimates.Estimate`; `low` to `high` is
        a 95 % interval of the pooled row, and of a pair's factors together.
    """
    rows = []
    for model, cells in table.groupby("model", sort=False):
        pairs = list(combinations(cells["pruner"].unique(), 2))
        for each in compare(cells, pairs, COSTS).comparisons:
            pair = {"model": model, "cost": each.cost, "pruner": each.pair[0], "other": each.pair[1]}
            rows.append({**pair, "factor": ALL, **asdict(pooled(each.differences, each.apart))})
            for factor, estimate in by_target(each.differences, each.apart).items():
                rows.append({**pair, "factor": round(float(str(factor)), 4), **asdict(estimate)})
    return pd.DataFrame(rows, columns=COLUMNS)
