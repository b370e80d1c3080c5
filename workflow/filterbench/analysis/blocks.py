"""All pairs of treatments compared over the same blocks: seeds within each of several models."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import numpy as np

from filterbench.analysis.seeds import CONFIDENCE, MIN_UNITS, NO_SPREAD, bonferroni, t_quantile


@dataclass(frozen=True)
class Difference:
    """The mean difference of two treatments.

    Attributes:
        mean: over models of the means over seeds; NaN if a model has no seed.
        low: lower end of its interval; NaN without one.
        high: its upper end.
        seeds: of the model with the fewest.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def told_apart(self) -> bool:
        """Whether the interval lies on one side of zero; never without an interval."""
        return self.low > 0 or self.high < 0


def difference(values: np.ndarray, level: float = CONFIDENCE) -> Difference:
    """The mean over models, which are fixed, of the means over seeds, with a t interval.

    The variance is that of the seeds within each model, and the degrees of freedom are Satterthwaite's (1946,
    "An Approximate Distribution of Estimates of Variance Components").

    Args:
        values: differences within pairs, of shape (models, seeds); NaN where a seed has none.
        level: probability, 0 to 1, that such an interval contains the true mean.

    Returns:
        The difference; without an interval if a model has fewer than three seeds, or nothing varies.
    """
    known = ~np.isnan(values)
    seeds = known.sum(axis=1)
    if not seeds.min():
        return Difference(np.nan, np.nan, np.nan, 0)
    means = np.mean(values, axis=1, where=known)
    mean = float(means.mean())
    if seeds.min() < MIN_UNITS:
        return Difference(mean, np.nan, np.nan, int(seeds.min()))
    variances = np.var(values, axis=1, ddof=1, where=known) / seeds / len(values) ** 2
    error = np.sqrt(variances.sum())
    if error < NO_SPREAD:
        return Difference(mean, np.nan, np.nan, int(seeds.min()))
    degrees = variances.sum() ** 2 / (variances**2 / (seeds - 1)).sum()
    reach = float(error * t_quantile(degrees, level))
    return Difference(mean, mean - reach, mean + reach, int(seeds.min()))


def all_pairs(values: np.ndarray) -> dict[tuple[int, int], Difference]:
    """The differences of all pairs of treatments, with intervals that hold together.

    Each is a t interval at the level of Bonferroni: all contain their true means in at least 95 % of the
    studies, whatever these are.

    Args:
        values: of shape (treatments, models, seeds); NaN where a treatment has no value, or it is set apart.

    Returns:
        By pair (i, j) of places with i < j, the first one's minus the second one's.
    """
    pairs = list(combinations(range(len(values)), 2))
    level = bonferroni(len(pairs))
    return {(one, other): difference(values[one] - values[other], level) for one, other in pairs}


def groups(pairs: dict[tuple[int, int], Difference]) -> list[list[int]]:
    """The largest groups of treatments of which no two are told apart, ordered by their first members.

    They are the maximal cliques of the graph of pairs that are not told apart. Such a group is one letter of
    a compact letter display (Piepho 2004, "An Algorithm for a Letter-Based Representation of All-Pairwise
    Comparisons"). A treatment can be in several.
    """
    graph = nx.Graph()
    graph.add_nodes_from({place for pair in pairs for place in pair})
    graph.add_edges_from(pair for pair, found in pairs.items() if not found.told_apart)
    return sorted(sorted(clique) for clique in nx.find_cliques(graph))
