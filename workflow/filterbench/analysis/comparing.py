"""Pruners compared in pairs at equal budget, over independent units: seeds or models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from filterbench.analysis.chance import at_chance
from filterbench.analysis.collapses import collapsed
from filterbench.analysis.curves import UNIT, accuracies

ONE_SHOT = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner")
NET_ADAPT, ANNEALING = "NetAdaptPruner", "SimulatedAnnealingPruner"
AUTO_COMPRESS = "AutoCompressPruner"
ACROSS_MODELS = "models"
WITHIN_MODEL = "seeds"
Pair = tuple[str, str]
Accuracies = Callable[[pd.DataFrame, Sequence[str], str], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Test accuracy of one pruner minus that of another, over compression factors.

    Attributes:
        pair: the two pruners.
        cost: `params`, `flops` or `latency`.
        differences: in percentage points; rows are the seeds of one model, or models and seeds where models
            are the independent units; columns are factors: how many times fewer of the cost than the unpruned
            net has.
        apart: bool, of the same shape: whether a net of the pair collapsed there.
    """

    pair: Pair
    cost: str
    differences: pd.DataFrame
    apart: pd.DataFrame

    @property
    def factors(self) -> list[float]:
        """Where the two are compared."""
        return [float(factor) for factor in self.differences.columns]

    def from_factor(self, smallest: float) -> Comparison:
        """The comparison at the factors from the smallest one on; there may be none."""
        kept = np.array(self.factors) >= smallest
        return replace(self, differences=self.differences.loc[:, kept], apart=self.apart.loc[:, kept])


@dataclass(frozen=True)
class Compared:
    """What a table says of pairs of pruners.

    Attributes:
        comparisons: one per pair and cost; pairs that have no factor in common are left out.
        guessing: factors that are left out because both nets of a pair are at chance there, by cost.
    """

    comparisons: list[Comparison]
    guessing: dict[str, list[float]]


def compare(
    table: pd.DataFrame,
    pairs: Sequence[Pair],
    costs: Sequence[str],
    units: str = WITHIN_MODEL,
    at: Accuracies = accuracies,
) -> Compared:
    """Compare pairs of pruners, each pair at the factors that both pruners reach in all units.

    Args:
        table: cells, infeasible ones included; of one model if seeds are the units.
        pairs: the first one's accuracy minus the second one's.
        costs: `params`, `flops`, `latency`.
        units: `seeds`, or `models`, because seeds of one model say nothing of another model.
        at: the pruners' accuracies at equal budget.
    """
    found, lost, fallen = [], {cost: set[float]() for cost in costs}, _fallen(table)
    for cost, pair in product(costs, pairs):
        comparison, guessing = _compare_pair(table, fallen, pair, cost, at)
        lost[cost].update(guessing)
        if comparison.factors:
            found.append(comparison if units == ACROSS_MODELS else _by_seed(comparison))
    return Compared(found, {cost: sorted(factors) for cost, factors in lost.items()})


def _compare_pair(
    table: pd.DataFrame, fallen: pd.DataFrame, pair: Pair, cost: str, at: Accuracies
) -> tuple[Comparison, list[float]]:
    """The comparison with (model, seed) as units, and the factors at which both nets guess."""
    everywhere = pd.MultiIndex.from_frame(table[UNIT].drop_duplicates())
    bound = at_chance(table)
    one, other = _wide(at(table, pair, cost), pair, everywhere)
    common = (one + other).dropna(axis="columns").columns
    apart = pd.DataFrame(False, everywhere, common)
    if fallen.loc[fallen["pruner"].isin(pair), "performance_finetuned"].any():
        # Between two cells a curve has collapsed if one of the cells has.
        fell = [side > 0 for side in _wide(at(fallen, pair, cost), pair, everywhere)]
        apart = (fell[0] | fell[1])[common]
    guess = ((one <= bound) & (other <= bound))[common].where(~apart, other=False).any()
    kept = common[~guess]
    points = 100 * (one - other)[kept]
    return Comparison(pair, cost, points, apart[kept]), list(common[guess].astype(float))


def _wide(found: pd.DataFrame, pair: Pair, everywhere: pd.MultiIndex) -> list[pd.DataFrame]:
    """Of each pruner of a pair its values, a row per unit and a column per factor."""
    return [found[name].unstack("factor").reindex(everywhere) for name in pair]


def _fallen(table: pd.DataFrame) -> pd.DataFrame:
    """The table with 1 in place of the accuracy of each collapsed net, else 0."""
    flags = table.groupby(["model", "pruner", "sparsity"], sort=False)["performance_finetuned"].transform(
        lambda values: collapsed(values.astype(float).to_list()).astype(float)
    )
    found = table.assign(performance_finetuned=flags)
    column = "performance_original_finetuned"
    return found.assign(**{column: 0.0}) if column in table else found


def _by_seed(comparison: Comparison) -> Comparison:
    """The comparison with the seeds of its only model as rows."""
    points, apart = comparison.differences, comparison.apart
    names = [f"seed {seed}" for seed in points.index.get_level_values("seed")]
    return replace(comparison, differences=points.set_axis(names), apart=apart.set_axis(names))
