"""At which training budget a lead crosses zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from filterbench.analysis.leads import ALL, LEAD, Lead
from filterbench.analysis.seeds import LEVEL, MIN_UNITS
from filterbench.analysis.wording import counted, listed, short

Range = tuple[float, float]


@dataclass(frozen=True)
class Crossing:
    """Where a mean lead over seeds is above zero, below it, or neither, along the training budgets.

    Between two budgets each seed's lead is linear in the logarithm of epochs.

    Attributes:
        budgets: the first and the last one, in epochs.
        seeds: number of seeds that it rests on: those with a lead at every budget and no collapsed net.
        collapsed: number of seeds that are left out because a net collapsed.
        zeros: where the mean is zero, in epochs.
        undecided: ranges of epochs in which the t interval of the mean contains zero: the confidence set of
            the crossing, by inversion of the tests (Fieller 1954 for a ratio of means).
        positive: ranges in which the interval lies above zero.
        negative: ranges in which it lies below.
    """

    budgets: Range
    seeds: int
    collapsed: int
    zeros: list[float]
    undecided: list[Range]
    positive: list[Range]
    negative: list[Range]


def crossing(budgets: Sequence[int], leads: np.ndarray, level: float = LEVEL, collapsed: int = 0) -> Crossing:
    """The crossing of leads.

    Args:
        budgets: training budgets in epochs, at least two, rising.
        leads: percentage points; a row per seed, a column per budget.
        level: probability that the undecided ranges contain the true crossing.
        collapsed: number of seeds that were left out.
    """
    zeros: list[float] = []
    ranges: dict[str, list[Range]] = {"undecided": [], "positive": [], "negative": []}
    logs = np.log(budgets)
    for index in range(len(budgets) - 1):
        first, last = leads[:, index], leads[:, index + 1]
        low, high = first.mean(), last.mean()

        def epochs(share: float, index: int = index) -> float:
            return float(np.exp(logs[index] + share * (logs[index + 1] - logs[index])))

        if low * high < 0 or low == 0:
            zeros.append(epochs(low / (low - high) if low else 0))
        if len(leads) >= MIN_UNITS:
            for start, end in _pieces(first, last, level):
                kind = _kind(first, last, (start + end) / 2, level)
                _append(ranges[kind], (epochs(start), epochs(end)))
    if len(leads) and leads[:, -1].mean() == 0:
        zeros.append(float(budgets[-1]))
    return Crossing((budgets[0], budgets[-1]), len(leads), collapsed, zeros, **ranges)


def lead_crossings(leads: Sequence[Lead]) -> dict[str, Crossing]:
    """By target the crossing of a pruner's lead on a model, after the one pooled over `all` targets.

    Args:
        leads: the component `lead` at each training budget, in rising order; at least two.
    """
    targets = leads[0].targets
    each = LEVEL ** (1 / len(targets))
    return {
        ALL: _crossing_at(leads, targets, LEVEL),
        **{target: _crossing_at(leads, [target], each) for target in targets},
    }


def crossings(leads: Sequence[Lead]) -> dict[tuple[str, str], dict[str, Crossing]]:
    """By model and pruner the crossings of its lead; none where the study has one training budget."""
    found: dict[tuple[str, str], list[Lead]] = {}
    for lead in leads:
        if lead.component == LEAD:
            found.setdefault((lead.model, lead.pruner), []).append(lead)
    return {pair: lead_crossings(own) for pair, own in found.items() if len(own) > 1}


def sentence(pruner: str, crossed: Crossing) -> str:
    """What a crossing says, in words."""
    first, last = crossed.budgets
    span = f"between {first:g} and {last:g} epochs"
    name = f"{short(pruner)}'s mean lead"
    if crossed.seeds < MIN_UNITS:
        there = counted(crossed.seeds, "seeds")
        return (
            f"Too few seeds for an interval of {name}: {there} with nets at every training budget; at least "
            f"{MIN_UNITS}."
        )
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
        return (
            f"{name} crosses zero at {listed(f'{zero:.3g}' for zero in crossed.zeros)} epochs; it is {along}."
        )
    return f"No crossing {span}: the lead is {along}."


def _crossing_at(leads: Sequence[Lead], targets: list[str], level: float) -> Crossing:
    frames = [lead.nets.at(targets) for lead in leads]
    by_seed = pd.concat(
        [nets.values.mean(axis=1, skipna=False) for nets in frames], axis=1, keys=range(len(frames))
    ).dropna()
    apart = pd.concat([nets.apart for nets in frames], axis=1).any(axis=1)[by_seed.index]
    budgets = [lead.budget for lead in leads]
    return crossing(budgets, by_seed[~apart].to_numpy(), level, int(apart.sum()))


def _pieces(first: np.ndarray, last: np.ndarray, level: float) -> list[Range]:
    """The parts of a segment, from share 0 to 1, within which the t test of the mean says the same.

    Mean and variance of (1 - w) first + w last are a line and a parabola in the share w, so that
    mean² = t² variance / n is a quadratic equation.
    """
    from scipy.special import stdtrit

    seeds = len(first)
    reach = stdtrit(seeds - 1, (1 + level) / 2) ** 2 / seeds
    slope = last - first
    (var_first, cov), (_, var_slope) = np.cov(first, slope)
    start, rise = first.mean(), slope.mean()
    equation = [
        rise**2 - reach * var_slope,
        2 * (start * rise - reach * cov),
        start**2 - reach * var_first,
    ]
    roots = np.roots(equation)
    inside = sorted(float(root.real) for root in roots if not root.imag and 0 < root.real < 1)
    ends = [0.0, *inside, 1.0]
    return list(pairwise(ends))


def _kind(first: np.ndarray, last: np.ndarray, share: float, level: float) -> str:
    """What the t test of the mean says at a share of a segment."""
    from scipy.special import stdtrit

    values = (1 - share) * first + share * last
    mean, error = values.mean(), values.std(ddof=1) / math.sqrt(len(values))
    if abs(mean) <= stdtrit(len(values) - 1, (1 + level) / 2) * error:
        return "undecided"
    return "positive" if mean > 0 else "negative"


def _append(ranges: list[Range], found: Range) -> None:
    """Add a range, joined to the last one where that ends at its start."""
    if ranges and math.isclose(ranges[-1][1], found[0]):
        ranges[-1] = ranges[-1][0], found[1]
    else:
        ranges.append(found)
