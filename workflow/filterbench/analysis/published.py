"""The published study's cells, in the columns of `comparison.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.chance import guessing_bound
from filterbench.analysis.claims import placed, read_claims
from filterbench.analysis.comparing import ANNEALING
from filterbench.analysis.published_tables import PAPER_TABLE, RAW_TABLE, published_names
from filterbench.storage.errors import InputError

# The published study has one run per cell and no seeds.
SEED = 0
# CIFAR-10's test images; its ten classes have the same number of images.
TEST_IMAGES = 10_000
CHANCE = 0.1


def published_cells(model: str) -> pd.DataFrame:
    """The published cells of a model, by pruner and rising sparsity.

    Accuracies (0..1, on the test images) are those of the net that a cell was pruned from, of the masked net
    (`performance_pruned`), and of the compact net before (`performance_compact`; NaN for AutoCompress) and
    after fine-tuning. `search_best` is the annealing's best score; other pruners' scores were not kept, so
    theirs is NaN. `search_blind` says whether guessing reaches that score.

    Raises:
        InputError: the published study has no such model.
    """
    table = pd.read_csv(RAW_TABLE)
    cells = table[table["model"] == model].reset_index(drop=True)
    if cells.empty:
        raise InputError(f"{RAW_TABLE}: no model {model!r}; published: {', '.join(published_names('model'))}")
    best = cells["pruned"].where(cells["pruner"] == ANNEALING)
    blind = (best <= guessing_bound(CHANCE, TEST_IMAGES)).astype(object).where(best.notna())
    return pd.DataFrame(
        {
            **{name: cells[name] for name in ("model", "pruner", "sparsity")},
            "seed": SEED,
            "infeasible": None,
            "performance_original": cells["original"],
            "performance_pruned": cells["pruned"],
            "performance_compact": cells["speedup"],
            "performance_finetuned": cells["finetuned"],
            "params_original": cells["params_original"],
            "params_compact": cells["params_speedup"],
            "flops_original": cells["flops_original"],
            "flops_compact": cells["flops_speedup"],
            "chance": CHANCE,
            "test_images": TEST_IMAGES,
            "search_best": best,
            "search_chance": best.where(best.isna(), CHANCE),
            "search_blind": blind,
        }
    )


def before_finetuning(cells: pd.DataFrame) -> pd.DataFrame:
    """Published cells with the accuracy of the compact net before fine-tuning as `performance_finetuned`.

    AutoCompress returns a compact net, so its `performance_pruned` is the accuracy of the compact net.
    """
    before = cells["performance_compact"].fillna(cells["performance_pruned"])
    return cells.assign(performance_finetuned=before)


def paper_points(model: str) -> pd.DataFrame:
    """Points that the published study quotes from a paper (`filterbench.analysis.claims.read_claims`)."""
    claims = read_claims(PAPER_TABLE)
    return claims[claims["model"] == model]


def claims_beside(published: bool, own: str) -> pd.DataFrame | None:
    """The points that papers report, to compare with a study's cells; None if there are no points.

    A study that is compared with the published one has the points that this one quotes. `own` is the path of
    the user's table; it may be empty.
    """
    files = [PAPER_TABLE] * published + [Path(own)] * bool(own)
    return pd.concat(map(read_claims, files), ignore_index=True) if files else None


def claims_by_model(
    published: bool, own: str, dataset: str, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The points of `claims_beside` by model, placed by its `comparison.csv`; empty without points."""
    claims = claims_beside(published, own)
    if claims is None:
        return {}
    return {model: placed(claims, model, dataset, as_curves(table)) for model, table in tables.items()}
