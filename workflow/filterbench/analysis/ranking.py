"""Pruners under the same budgets in order of accuracy, and who cannot be told apart (docs/ranking.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from filterbench.analysis.blocks import Difference, all_pairs, difference, groups
from filterbench.analysis.budgets import budget_cells
from filterbench.analysis.leads import training_budgets
from filterbench.analysis.nets import FINETUNED, Cells
from filterbench.analysis.seeds import bonferroni
from filterbench.domain.targets import BUDGETS


@dataclass(frozen=True)
class Competitor:
    """A pruner's nets under the budgets of one kind, after one fine-tuning.

    Attributes:
        name: of the pruner.
        accuracies: percent; rows are models and seeds, columns targets; NaN where there is no net.
        apart: bool, of the same shape: whether a net collapsed.
        sizes: params of the compact nets, of the same shape.
    """

    name: str
    accuracies: pd.DataFrame
    apart: pd.DataFrame
    sizes: pd.DataFrame

    @cached_property
    def pooled(self) -> np.ndarray:
        """By model and seed the mean over targets; NaN where a net is missing or collapsed."""
        complete = self.accuracies.notna().all(axis=1) & ~self.apart.any(axis=1)
        return _by_model(self.accuracies.mean(axis=1).where(complete))

    @property
    def mean(self) -> float:
        """Over models of the means over seeds of `pooled`; NaN if a model has no seed."""
        return difference(self.pooled).mean

    @property
    def mean_all(self) -> float:
        """The same with the seeds in which a net collapsed."""
        complete = self.accuracies.notna().all(axis=1)
        return difference(_by_model(self.accuracies.mean(axis=1).where(complete))).mean

    @property
    def collapsed(self) -> int:
        """In how many pairs of a model and a seed a net collapsed."""
        return int(self.apart.any(axis=1).sum())

    @property
    def missing(self) -> int:
        """How many pairs of a model and a seed lack a net at some target."""
        return int(self.accuracies.isna().any(axis=1).sum())

    def at(self, model: str, target: str) -> float:
        """The mean of one model at one target, over the seeds whose net did not collapse."""
        return float(self.accuracies[target].where(~self.apart[target]).loc[model].mean())


@dataclass(frozen=True)
class Variant:
    """A variant of a pruner beside the pruner itself.

    Attributes:
        competitor: the variant.
        base: name of the pruner.
        difference: the variant's accuracy minus the pruner's, in points; the intervals of all variants of a
            ranking hold together.
        nets: number of pairs of nets that are there.
        alike: number of those whose accuracies and params are the same.
    """

    competitor: Competitor
    base: str
    difference: Difference
    nets: int
    alike: int


@dataclass(frozen=True)
class Ranking:
    """The pruners of a study under one kind of budget, after one fine-tuning.

    Attributes:
        kind: of the budgets, a key of `filterbench.domain.targets.BUDGETS`.
        budget: epochs of fine-tuning; None for the study's only ones.
        models: names of the models.
        targets: the budgets, from the largest share of the cost that is left to the smallest.
        seeds: how many the study has.
        competitors: the ranked pruners, the most accurate first; variants are not ranked.
        pairs: by their places, the difference of each two.
        variants: each variant beside its pruner.
        left_out: pruners that lack nets at a target of a model with every seed.
    """

    kind: str
    budget: int | None
    models: list[str]
    targets: list[str]
    seeds: int
    competitors: list[Competitor]
    pairs: dict[tuple[int, int], Difference]
    variants: list[Variant]
    left_out: list[str]

    @cached_property
    def groups(self) -> list[list[int]]:
        """Places of the pruners in each group of which no two are told apart."""
        return groups(self.pairs)

    def from_best(self, place: int) -> Difference:
        """How far a pruner is from the first one, in points; zero without interval for the first itself."""
        if place == 0:
            return Difference(0.0, np.nan, np.nan, difference(self.competitors[0].pooled).seeds)
        found = self.pairs[0, place]
        return Difference(-found.mean, -found.high, -found.low, found.seeds)


def rankings(table: pd.DataFrame, variants: Mapping[str, str]) -> Iterator[Ranking]:
    """The rankings of a study, one per kind of budget and training budget.

    Args:
        table: rows of `comparison.csv` of all models.
        variants: by name of each variant, its pruner.
    """
    for kind in BUDGETS:
        rows = budget_cells(table, kind)
        if rows.empty:
            continue
        cells = {str(model): Cells(own) for model, own in rows.groupby("model", sort=False)}
        names = list(dict.fromkeys(rows["pruner"]))
        budgets: list[int] | list[None] = training_budgets(rows) or [None]
        for budget in budgets:
            found = {name: _competitor(name, cells, budget) for name in names}
            yield _ranking(kind, budget, cells, found, variants)


def _ranking(
    kind: str,
    budget: int | None,
    cells: Mapping[str, Cells],
    found: Mapping[str, Competitor],
    variants: Mapping[str, str],
) -> Ranking:
    complete = {name: each for name, each in found.items() if not np.isnan(each.mean)}
    # One without its pruner is ranked as a pruner of its own.
    variants = {name: base for name, base in variants.items() if base in found}
    ranked = [each for name, each in complete.items() if name not in variants]
    ranked.sort(key=lambda each: (-each.mean, each.name))
    pooled = np.array([each.pooled for each in ranked])
    compared = [(name, base) for name, base in variants.items() if name in found]
    level = bonferroni(len(compared))
    (first, *_) = found.values()
    return Ranking(
        kind,
        budget,
        models=list(cells),
        targets=list(first.accuracies.columns),
        seeds=len({seed for each in cells.values() for seed in each.seeds}),
        competitors=ranked,
        pairs=all_pairs(pooled),
        variants=[_variant(found[name], found[base], level) for name, base in compared],
        left_out=[name for name in found if name not in complete and name not in variants],
    )


def _competitor(name: str, cells: Mapping[str, Cells], budget: int | None) -> Competitor:
    nets = {model: each.nets(name, FINETUNED, budget) for model, each in cells.items()}
    accuracies = {model: each.values for model, each in nets.items()}
    apart = {model: each.apart for model, each in nets.items()}
    sizes = {model: each.column(name, "params_compact") for model, each in cells.items()}
    together = [pd.concat(frames, names=["model", "seed"]) for frames in (accuracies, apart, sizes)]
    # A model that lacks a target altogether lacks its column.
    accuracies_, apart_, sizes_ = (frame[_falling(frame)] for frame in together)
    return Competitor(name, accuracies_, apart_.fillna(False).astype(bool), sizes_)


def _variant(variant: Competitor, base: Competitor, level: float) -> Variant:
    both = variant.accuracies.notna() & base.accuracies.notna()
    alike = both & (variant.accuracies == base.accuracies) & (variant.sizes == base.sizes)
    found = difference(variant.pooled - base.pooled, level)
    return Variant(variant, base.name, found, int(both.to_numpy().sum()), int(alike.to_numpy().sum()))


def _falling(frame: pd.DataFrame) -> list[str]:
    """The targets from the largest to the smallest."""
    return sorted(map(str, frame.columns), key=float, reverse=True)


def _by_model(values: pd.Series) -> np.ndarray:
    """Values by model and seed as an array of shape (models, seeds)."""
    models = values.index.get_level_values("model").unique()
    return values.unstack("seed").reindex(models).to_numpy(dtype=float)
