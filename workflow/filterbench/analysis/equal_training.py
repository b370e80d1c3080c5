"""Conclusions beyond the published four: what a search is worth once training is equal.

Each is judged where a study has the cells that it is about; docs/verdicts.md says what they rest on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from filterbench.analysis.claims import ALPHA, FAILS, HOLDS, MARGIN, MORE, OPEN, STRICT
from filterbench.analysis.comparing import ANNEALING, AUTO_COMPRESS, NET_ADAPT, ONE_SHOT, Accuracies, Pair
from filterbench.analysis.controls import uniform_names
from filterbench.analysis.curves import accuracies, matched_accuracies, smallest_factor
from filterbench.analysis.scopes import Question, Scope, Verdict, scopes
from filterbench.analysis.seeds import t_interval
from filterbench.analysis.wording import COSTS, counted, short

EQUAL, FROM_SCRATCH = "performance_equal", "performance_scratch_total"
RANDOM_ALLOCATION, TUNED = "RandomAllocationPruner", "TunedAnnealingPruner"
# By searched pruner the one sparsity for all layers that leaves as many params.
UNIFORM = {name: uniform_names(name)[0] for name in (ANNEALING, NET_ADAPT, AUTO_COMPRESS)}
PUBLISHED = (*ONE_SHOT, NET_ADAPT, ANNEALING, AUTO_COMPRESS)
# A rank correlation (Kendall 1938) above it is an order that is kept: more than three of four pairs are.
KEPT_ORDER = 0.5


def equal_training_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """The verdicts on those conclusions that the cells are about.

    Args:
        table: cells of any models and seeds.
    """
    found = (conclusion(table) for conclusion in CONCLUSIONS)
    return [verdict for verdict in found if verdict]


def equal_latency_verdict(table: pd.DataFrame) -> Verdict | None:
    """Whether a search pays at equal latency; None where the cells are not about it.

    Args:
        table: cells of any models and seeds, with `latency_original` and `latency_speedup` of a batch.
    """
    return _searched_or_uniform(table, "latency")


def at_equal_training(table: pd.DataFrame) -> pd.DataFrame:
    """The cells with their accuracy at equal training; infeasible where a search alone had more than that."""
    reason = table["infeasible"].where(
        table[EQUAL].notna() | table["infeasible"].notna(), "too much training"
    )
    # The unpruned net had only the fine-tuning's own training.
    rest = table.drop(columns="performance_original_finetuned", errors="ignore")
    return rest.assign(performance_finetuned=table[EQUAL], infeasible=reason)


def _lead_at_equal_training(table: pd.DataFrame) -> Verdict | None:
    if EQUAL not in table or AUTO_COMPRESS not in set(table["pruner"]):
        return None
    pairs = [(AUTO_COMPRESS, other) for other in ONE_SHOT]
    return Verdict(
        "lead-at-equal-training",
        f"AutoCompress's lead survives equal training: at strict parameter budgets ({STRICT:g} times fewer "
        f"and more) it is more than {MARGIN} points more accurate than each one-shot pruner "
        "(L1Filter, L2Filter, FPGM) whose nets have been trained on as many images.",
        scopes(at_equal_training(table), Question(MORE, pairs, ["params"], STRICT)),
    )


def _searched_or_uniform(table: pd.DataFrame, cost: str) -> Verdict | None:
    equally = EQUAL in table
    return _more(
        at_equal_training(table) if equally else table,
        f"searched-beats-uniform-{cost}",
        "A searched allocation is more than {margin} points more accurate than one sparsity for all "
        f"layers at equal {COSTS[cost]}{' and equal training' if equally else ''}: "
        "SimulatedAnnealing, NetAdapt and AutoCompress, each against the uniform net with its params.",
        list(UNIFORM.items()),
        cost,
        # The controls were matched by params; other counts are what they come to.
        matched_accuracies if cost == "params" else accuracies,
    )


def _inherited_or_scratch(table: pd.DataFrame) -> Verdict | None:
    if FROM_SCRATCH not in table or EQUAL not in table:
        return None
    equal = at_equal_training(table)
    scratch = equal.assign(
        pruner=[f"{name} from scratch" for name in table["pruner"]], performance_finetuned=table[FROM_SCRATCH]
    )
    # A study may leave pruners out of it.
    scratch = scratch[table[FROM_SCRATCH].notna()]
    return _more(
        pd.concat([equal, scratch], ignore_index=True),
        "inherited-beats-scratch",
        "Inherited weights are more than {margin} points more accurate than the same shape trained from "
        "scratch on as many images in all, the baseline's included.",
        [(name, f"{name} from scratch") for name in PUBLISHED],
        at=matched_accuracies,
    )


def _more(
    table: pd.DataFrame,
    key: str,
    statement: str,
    pairs: Sequence[Pair],
    cost: str = "params",
    at: Accuracies = accuracies,
) -> Verdict | None:
    """That the first of each pair is more accurate, of the pairs that there are."""
    there = set(table["pruner"])
    found = [pair for pair in pairs if set(pair) <= there]
    if not found:
        return None
    question = Question(MORE, found, [cost], smallest_factor(cost), apart=True, at=at)
    return Verdict(key, statement.format(margin=MARGIN), scopes(table, question))


def _same_order(table: pd.DataFrame) -> Verdict | None:
    pruners = [name for name in PUBLISHED if name in set(table["pruner"])]
    if EQUAL not in table or len(pruners) < 3:
        return None
    correlations = _rank_correlations(table, pruners)
    names = ", ".join(map(short, pruners))
    found = []
    for model, cells in table.groupby("model", sort=False):
        own = correlations[correlations["model"] == model]["correlation"]
        found.append(_order_kept(str(model), "seeds", list(map(str, cells["seed"].unique())), own, names))
    if len(found) > 1:
        means = correlations.groupby("model", sort=False)["correlation"].mean()
        found.append(_order_kept("across models", "models", [scope.name for scope in found], means, names))
    return Verdict(
        "same-order",
        "The order of the pruners at equal parameters is the same after the short fine-tuning and at equal "
        f"training: their rank correlation (Kendall's tau) is above {KEPT_ORDER}.",
        found,
    )


def _rank_correlations(table: pd.DataFrame, pruners: Sequence[str]) -> pd.DataFrame:
    """Of each model and seed the rank correlation of the two orders, the mean over the factors."""
    from scipy.stats import kendalltau

    tables = [accuracies(cells, pruners, "params") for cells in (table, at_equal_training(table))]
    both = tables[0].index.intersection(tables[1].index)
    pairs = zip(*(found.loc[both, list(pruners)].to_numpy() for found in tables), strict=True)
    found = both.to_frame(index=False).assign(correlation=[kendalltau(*pair).statistic for pair in pairs])
    return found.groupby(["model", "seed"], sort=False)["correlation"].mean().reset_index()


def _order_kept(name: str, unit: str, units: list[str], correlations: pd.Series, names: str) -> Scope:
    values = correlations.dropna().to_list()
    if not values:
        return Scope(name, unit, units, OPEN, f"There is no factor that all of {names} reach.")
    low, high = t_interval(values, 1 - 2 * ALPHA)
    said = f"{counted(len(values), unit)}: mean rank correlation {np.mean(values):+.2f} of {names}"
    if math.isnan(low):
        return Scope(name, unit, units, OPEN, f"{said}. Too few, or all alike: that gives no interval.")
    verdict = HOLDS if low > KEPT_ORDER else FAILS if high < KEPT_ORDER else OPEN
    return Scope(name, unit, units, verdict, f"{said}, 90 % interval {low:+.2f} to {high:+.2f}.")


CONCLUSIONS: tuple[Callable[[pd.DataFrame], Verdict | None], ...] = (
    _lead_at_equal_training,
    partial(
        _more,
        key="annealing-beats-random",
        statement="SimulatedAnnealing's allocation is more than {margin} points more accurate than the best "
        "of as many random ones, at equal parameters.",
        pairs=[(ANNEALING, RANDOM_ALLOCATION)],
    ),
    partial(
        _more,
        key="seeing-beats-blind",
        statement="An annealing that trains its candidates shortly before it judges them (TunedAnnealing) is "
        "more than {margin} points more accurate than one that does not, at equal parameters.",
        pairs=[(TUNED, ANNEALING)],
    ),
    partial(_searched_or_uniform, cost="params"),
    partial(_searched_or_uniform, cost="flops"),
    _inherited_or_scratch,
    _same_order,
)
