"""Pruners compared in pairs at equal budget, over independent units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from filterbench.analysis.chance import at_chance
from filterbench.analysis.curves import UNIT, accuracies
from filterbench.analysis.seeds import t_interval

ONE_SHOT = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner")
NET_ADAPT, ANNEALING = "NetAdaptPruner", "SimulatedAnnealingPruner"
AUTO_COMPRESS = "AutoCompressPruner"
ACROSS_MODELS = "models"
WITHIN_MODEL = "seeds"
Pair = tuple[str, str]
Accuracies = Callable[[pd.DataFrame, Sequence[str], str], pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Test accuracy of one pruner minus that of another at one compression factor.

    Attributes:
        pair: the two pruners.
        cost: `params` or `flops`.
        factor: how many times fewer of it than the unpruned net has.
        units: the difference in percentage points, by independent unit (a seed, or a model).
    """

    pair: Pair
    cost: str
    factor: float
    units: dict[str, float]

    @property
    def values(self) -> list[float]:
        """The differences, one a unit."""
        return list(self.units.values())

    @property
    def mean(self) -> float:
        """Their mean, in percentage points."""
        return float(np.mean(self.values))

    def interval(self, level: float) -> tuple[float, float]:
        """The t interval of the mean (see `filterbench.analysis.seeds.t_interval`)."""
        return t_interval(self.values, level)


@dataclass(frozen=True)
class Compared:
    """What a table says of pairs of pruners.

    Attributes:
        comparisons: one a pair, cost and factor.
        guessing: factors that are left out because both nets of a pair are at chance there, by cost.
    """

    comparisons: list[Comparison] = field(default_factory=list)
    guessing: dict[str, list[float]] = field(default_factory=dict)


def compare(
    table: pd.DataFrame,
    pairs: Sequence[Pair],
    costs: Sequence[str],
    units: str = WITHIN_MODEL,
    at: Accuracies = accuracies,
) -> Compared:
    """Compare pairs of pruners at the factors that all of them reach in all units.

    Args:
        table: cells, infeasible ones included; of one model where seeds are the units.
        pairs: the first one's accuracy minus the second one's.
        costs: `params`, `flops` or both.
        units: `seeds`, or `models`: each model's difference is then the mean over its seeds, because seeds
            of one model say nothing of another model.
        at: the pruners' accuracies at equal budget.
    """
    pruners = list(dict.fromkeys(name for pair in pairs for name in pair))
    everywhere = pd.MultiIndex.from_frame(table[UNIT].drop_duplicates())
    bound = at_chance(table)
    level, prefix = ("model", "") if units == ACROSS_MODELS else ("seed", "seed ")
    found = Compared()
    for cost in costs:
        reached = at(table, pruners, cost)
        by_pruner = {name: reached[name].unstack("factor").reindex(everywhere) for name in pruners}
        common = by_pruner[pruners[0]].dropna(axis="columns").columns
        guess = {name: values <= bound for name, values in by_pruner.items()}
        lost = pd.concat([(guess[one] & guess[other])[common] for one, other in pairs]).any()
        found.guessing[cost] = list(common[lost].astype(float))
        for one, other in pairs:
            points = 100 * (by_pruner[one] - by_pruner[other])[common[~lost]]
            means = points.groupby(level=level, sort=False).mean()
            names = [f"{prefix}{name}" for name in means.index]
            for factor, values in zip(means.columns, means.to_numpy().T, strict=True):
                by_unit = dict(zip(names, map(float, values), strict=True))
                found.comparisons.append(Comparison((one, other), cost, float(factor), by_unit))
    return found


def count_tests(comparisons: Sequence[Comparison]) -> int:
    """How many comparisons there are; params and FLOPs of the same cells are one."""
    return len({(each.pair, *each.values) for each in comparisons})
