"""The rows of the page's table, one per cell."""

from __future__ import annotations

import pandas as pd

from filterbench.analysis.blind import blind_cells
from filterbench.analysis.budgets import as_curves

# The table's columns, from `comparison.csv` or computed from its columns, with their headings.
COLUMNS = {
    "model": "model",
    "short": "pruner",
    "sparsity": "sparsity",
    "seed": "seed",
    "performance_finetuned": "after fine-tuning (%)",
    "performance_mean": "mean of seeds (%)",
    "performance_low": "95 % from",
    "performance_high": "to",
    "performance_equal": "at equal training (%)",
    "performance_compact": "before (%)",
    "performance_original": "original (%)",
    "performance_original_finetuned": "original, fine-tuned (%)",
    "params_compact": "params",
    "flops_compact": "FLOPs",
    "params_factor": "times fewer params",
    "flops_factor": "times fewer FLOPs",
    "seconds": "seconds",
    "blind": "blind search",
    "reason": "infeasible",
    "document": "document",
}
# The columns of any window, and those that only a wide one has; a small screen can spare all others.
SMALL = ("short", "sparsity", "seed", "performance_finetuned", "params_compact")
WIDE = (
    *("performance_mean", "performance_low", "performance_high"),
    *("performance_original", "performance_original_finetuned", "seconds", "document"),
)
# Digits after the point, in columns of numbers that need as many in each row.
DIGITS = {"seconds": 1, "params_compact": 0, "flops_compact": 0} | {
    name: 2 for name in COLUMNS if name.startswith("performance") or name.endswith("factor")
}
# All other columns are left out if they are empty.
ALWAYS = (
    *("model", "short", "sparsity", "seed"),
    *("performance_finetuned", "params_compact", "flops_compact", "document"),
)


def rows_of(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a model's `comparison.csv`, with `COLUMNS`; accuracies in per cent."""
    curves, targets = as_curves(table), table.get("target", table["sparsity"])
    cells = zip(table["model"], table["seed"], table["pruner"], targets, strict=True)
    plain = table.assign(
        short=curves["pruner"].str.replace("Pruner", ""),
        sparsity=curves["sparsity"],
        params_factor=(table["params_original"] / table["params_compact"]).round(2),
        flops_factor=(table["flops_original"] / table["flops_compact"]).round(2),
        seconds=(table["seconds_prune"] + table["seconds_finetune"]).round(1),
        blind=pd.Series("blind", blind_cells(table).index).reindex(table.index),
        reason=table["infeasible"],
        document=[
            f"{model}/seed-{seed}/{pruner}/{target}/result.json" for model, seed, pruner, target in cells
        ],
    ).reindex(columns=list(COLUMNS))
    shares = [name for name in COLUMNS if name.startswith("performance")]
    per_cent = {name: (100 * plain[name].astype(float)).round(2) for name in shares}
    # Infeasible cells have no counts, which would make floats of the others.
    counts = {name: plain[name].astype("Int64") for name in ("params_compact", "flops_compact")}
    return plain.assign(**per_cent, **counts)


def table_data(tables: list[pd.DataFrame]) -> dict[str, list]:
    """Headings, classes and digits of the columns, and rows of the table of all models, as JSON."""
    rows = pd.concat([rows_of(table) for table in tables], ignore_index=True)
    there = [name for name in COLUMNS if name in ALWAYS or rows[name].notna().any()]
    # Column by column: pandas turns the values of whole rows into text or floats.
    columns = [[None if pd.isna(value) else value for value in rows[name].astype(object)] for name in there]
    return {
        "headings": [COLUMNS[name] for name in there],
        "classes": ["" if name in SMALL else "spare wide" if name in WIDE else "spare" for name in there],
        "digits": [DIGITS.get(name) for name in there],
        "rows": [list(row) for row in zip(*columns, strict=True)],
    }
