"""At which training budget a lead crosses zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from filterbench.analysis.leads import ALL, LEAD, Lead
from filterbench.analysis.seeds import CONFIDENCE, MIN_UNITS, sidak, t_quantile
from filterbench.analysis.wording import counted, listed
from filterbench.domain.names import short

Range = tuple[float, float]


@dataclass(frozen=True)
class Crossing:
    """Where a mean lead over seeds is above zero, below it, or undecided, along the training budgets.

    Between two budgets each seed's lead is linear in the logarithm of epochs.

    Attributes:
        budgets: the first and the last one, in epochs.
        seeds: number of seeds that it rests on: those with a lead at every budget and no collapsed net.
        collapsed: number of seeds that are left out because a net collapsed.
        zeros: where the mean is zero, in epochs.
        undecided: ranges of epochs in which the t interval of the mean contains zero. They are the confidence
            set of the crossing, by inversion of the tests (Fieller 1954 for a ratio of means).
        positive: ranges of epochs in which the interval is above zero.
        negative: ranges of epochs in which it is below zero.
    """

    budgets: Range
    seeds: int
    collapsed: int
    zeros: list[float]
    undecided: list[Range]
    positive: list[Range]
    negative: list[Range]


def crossing(
    budgets: Sequence[int], leads: np.ndarray, level: float = CONFIDENCE, collapsed: int = 0
) -> Crossing:
    """Where leads cross zero.

    Args:
        budgets: training budgets in epochs, at least two, rising.
        leads: percentage points; a row per seed, a column per budget.
        level: probability that the undecided ranges contain the true crossing.
        collapsed: number of seeds that were left out.
    """
    zeros: list[float] = []
    ranges: dict[str, list[Range]] = {"undecided": [], "positive": [], "negative": []}
    for (start, end), (first, last) in zip(pairwise(np.log(budgets)), pairwise(leads.T), strict=True):
        low, high = first.mean(), last.mean()

        def epochs(share: float, start: float = start, end: float = end) -> float:
            return float(np.exp(start + share * (end - start)))

        if low * high < 0 or low == 0:
            zeros.append(epochs(low / (low - high) if low else 0))
        if len(leads) >= MIN_UNITS:
            for left, right in _pieces(first, last, level):
                kind = _kind(first, last, (left + right) / 2, level)
                _append(ranges[kind], (epochs(left), epochs(right)))
    if len(leads) and leads[:, -1].mean() == 0:
        zeros.append(float(budgets[-1]))
    return Crossing((budgets[0], budgets[-1]), len(leads), collapsed, zeros, **ranges)


def crossings(leads: Sequence[Lead]) -> dict[tuple[str, str], dict[str, Crossing]]:
    """By model and pruner the crossings of its lead; none if the study has only one training budget.

    They are by target, after the one pooled over `all` targets. The leads are in rising order of budgets.
    """
    by_pair: dict[tuple[str, str], list[Lead]] = {}
    for lead in leads:
        if lead.component == LEAD:
            by_pair.setdefault((lead.model, lead.pruner), []).append(lead)
    found = {}
    for pair, own in by_pair.items():
        if len(own) > 1:
            targets = own[0].targets
            each = sidak(len(targets))
            single = {target: _crossing_at(own, [target], each) for target in targets}
            found[pair] = {ALL: _crossing_at(own, targets, CONFIDENCE), **single}
    return found


def sentence(pruner: str, crossed: Crossing) -> str:
    """What a crossing says, in words."""
    first, last = crossed.budgets
    span = f"between {first:g} and {last:g} epochs"
    name = f"{short(pruner)}'s mean lead"
    if crossed.seeds < MIN_UNITS:
        there = f"{counted(crossed.seeds, 'seeds')} with nets at every training budget"
        return f"Too few seeds for an interval of {name}: {there}; at least {MIN_UNITS}."
    decided = {"positive": crossed.positive, "negative": crossed.negative, "undecided": crossed.undecided}
    only = [word for word, ranges in decided.items() if ranges]
    if not crossed.zeros and len(only) == 1:
        return f"No crossing {span}: the lead is {only[0]} throughout."
    parts = sorted((at, word) for word, ranges in decided.items() for at in ranges)
    along = (
        f"{only[0]} throughout, {span}"
        if len(only) == 1
        else f"{listed(f'{word} from {start:.3g} to {end:.3g}' for (start, end), word in parts)} epochs"
    )
    if crossed.zeros:
        places = listed(f"{zero:.3g}" for zero in crossed.zeros)
        return f"{name} crosses zero at {places} epochs; it is {along}."
    return f"No crossing {span}: the lead is {along}."


def _crossing_at(leads: Sequence[Lead], targets: list[str], level: float) -> Crossing:
    frames = {lead.budget: lead.nets.at(targets) for lead in leads}
    means = {budget: nets.values.mean(axis=1, skipna=False) for budget, nets in frames.items()}
    by_seed = pd.DataFrame(means).dropna()
    apart = pd.concat([nets.apart for nets in frames.values()], axis=1).any(axis=1)[by_seed.index]
    budgets = list(frames)
    return crossing(budgets, by_seed[~apart].to_numpy(), level, int(apart.sum()))


def _pieces(first: np.ndarray, last: np.ndarray, level: float) -> list[Range]:
    """The parts of a segment, from share 0 to 1, within which the t test of the mean gives one result.

    Mean and variance of (1 - w) first + w last are a line and a parabola in the share w, so that
    mean² = t² variance / n is a quadratic equation.
    """
    seeds = len(first)
    reach = t_quantile(seeds - 1, level) ** 2 / seeds
    slope = last - first
    (var_first, cov), (_, var_slope) = np.cov(first, slope)
    start, rise = first.mean(), slope.mean()
    square, linear = rise**2 - reach * var_slope, 2 * (start * rise - reach * cov)
    roots = np.roots([square, linear, start**2 - reach * var_first])
    inside = sorted(float(root.real) for root in roots if not root.imag and 0 < root.real < 1)
    return list(pairwise([0.0, *inside, 1.0]))


def _kind(first: np.ndarray, last: np.ndarray, share: float, level: float) -> str:
    """The result of the t test of the mean at a share of a segment."""
    values = (1 - share) * first + share * last
    mean, error = values.mean(), values.std(ddof=1) / math.sqrt(len(values))
    if abs(mean) <= t_quantile(len(values) - 1, level) * error:
        return "undecided"
    return "positive" if mean > 0 else "negative"


def _append(ranges: list[Range], found: Range) -> None:
    """Add a range, joined to the last one where that ends at its start."""
    if ranges and math.isclose(ranges[-1][1], found[0]):
        ranges[-1] = ranges[-1][0], found[1]
    else:
        ranges.append(found)
