"""Cells under a budget in tables of cells.

Where a study has budgets, `comparison.csv` has columns `target` (as in paths) and `budget_reached`, and a
budget cell has no `sparsity`.
"""

from __future__ import annotations

import pandas as pd

from filterbench.domain.targets import SPARSITY, parse_target


def as_curves(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a pruner's cells under each kind of budget as a curve of their own.

    Such a curve has its own name in `pruner` (see `filterbench.domain.targets.Target.curve`) and the asked
    share in the place of a sparsity, so that (pruner, sparsity) identifies each cell.
    """
    if "target" not in table:
        return table
    targets = table["target"].astype(str).map(parse_target)
    curves = [target.curve(pruner) for target, pruner in zip(targets, table["pruner"], strict=True)]
    return table.assign(pruner=curves, sparsity=[target.value for target in targets])


def sparsity_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The cells that were asked for a sparsity, as all published cells were."""
    if "target" not in table:
        return table
    asked = [parse_target(str(target)).kind == SPARSITY for target in table["target"]]
    return table[asked].reset_index(drop=True)


def budget_cells(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The cells under a kind of budget, with the asked share of the cost in the place of a sparsity."""
    if "target" not in table:
        return table.iloc[:0]
    targets = [parse_target(str(target)) for target in table["target"]]
    asked = table.assign(sparsity=[target.value for target in targets]).drop(columns="target")
    return asked[[target.kind == kind for target in targets]].reset_index(drop=True)
