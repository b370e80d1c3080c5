"""How much better a study looks when the test images choose."""

from __future__ import annotations

import pandas as pd

from filterbench.analysis.seeds import statistics

KEYS = ["pruner", "sparsity"]
ORIGINAL = "original"
COLUMNS = [*KEYS, "validation", "test", "n", "mean", "std", "low", "high"]


def optimism(validation: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of the same cells of a model under both protocols.

    Returns:
        One row per cell, and one for the unpruned net (pruner `original`, sparsity 0). `validation` and
        `test` are mean accuracies (0..1). The other columns describe the gap, test minus validation, in
        points paired by seed: number of seeds, mean, sample standard deviation and 95 % t interval.
    """
    sides = {"validation": _accuracies(validation), "test": _accuracies(test)}
    pairs = pd.concat(sides, axis="columns", join="inner")
    rows = []
    for key, cells in pairs.groupby(KEYS, sort=False):
        row = dict(zip(KEYS, key, strict=True)) | cells.mean().to_dict()
        rows.append(row | statistics(100 * (cells["test"] - cells["validation"])))
    return pd.DataFrame(rows, columns=COLUMNS)


def _accuracies(table: pd.DataFrame) -> pd.Series:
    """Accuracy by pruner, sparsity and seed; the unpruned net first."""
    cells = table[table["infeasible"].isna()]
    originals = cells.drop_duplicates("seed").assign(pruner=ORIGINAL, sparsity=0.0)
    originals["performance_finetuned"] = originals["performance_original"]
    return pd.concat([originals, cells]).set_index([*KEYS, "seed"])["performance_finetuned"]
