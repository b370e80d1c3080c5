"""Conclusions beyond the published four: what a search is worth.

Each is judged where a study has the cells that it is about; docs/verdicts.md says what they rest on.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from filterbench.analysis.claims import MARGIN, MORE
from filterbench.analysis.comparing import ANNEALING, AUTO_COMPRESS, NET_ADAPT, ONE_SHOT, Accuracies, Pair
from filterbench.analysis.controls import uniform_flops_of, uniform_names, with_uniform
from filterbench.analysis.curves import accuracies, matched_accuracies, smallest_factor
from filterbench.analysis.scopes import Question, Verdict, scopes
from filterbench.analysis.wording import COSTS, short

EQUAL, FROM_SCRATCH = "performance_equal", "performance_scratch_total"
RANDOM_ALLOCATION, TUNED = "RandomAllocationPruner", "TunedAnnealingPruner"
# By searched pruner the one sparsity for all layers that leaves as many params.
UNIFORM = {name: uniform_names(name)[0] for name in (ANNEALING, NET_ADAPT, AUTO_COMPRESS)}
PUBLISHED = (*ONE_SHOT, NET_ADAPT, ANNEALING, AUTO_COMPRESS)
# Cells that were matched one by one are compared at all targets of the study.
ALL_FACTORS = 0.0


def equal_training_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """The verdicts on those conclusions that the cells are about.

    Args:
        table: cells of any models and seeds.
    """
    found = [
        _annealing_or_random(table),
        _seeing_or_blind(table),
        *_searched_or_uniform(table, "params"),
        *_searched_or_uniform(table, "flops"),
        _inherited_or_scratch(table),
    ]
    return [verdict for verdict in found if verdict]


def equal_latency_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """Whether each search pays at equal latency; empty where the cells are not about it.

    Args:
        table: cells of any models and seeds, with `latency_original` and `latency_compact` of a batch.
    """
    pairs = _uniform_pairs(table, "params")
    return [_searched_or_uniform_at(table, pair, "latency", accuracies) for pair in pairs]


def at_equal_training(table: pd.DataFrame) -> pd.DataFrame:
    """The cells with their accuracy at equal training; infeasible where a search alone had more than that."""
    reason = table["infeasible"].where(
        table[EQUAL].notna() | table["infeasible"].notna(), "too much training"
    )
    # The unpruned net had only the fine-tuning's own training.
    rest = table.drop(columns="performance_original_finetuned", errors="ignore")
    return rest.assign(performance_finetuned=table[EQUAL], infeasible=reason)


def _annealing_or_random(table: pd.DataFrame) -> Verdict | None:
    return _more(
        table,
        "annealing-beats-random",
        f"SimulatedAnnealing's allocation is more than {MARGIN} points more accurate than the best of as "
        "many random ones, at equal parameters, in the mean over budgets.",
        [(ANNEALING, RANDOM_ALLOCATION)],
    )


def _seeing_or_blind(table: pd.DataFrame) -> Verdict | None:
    return _more(
        table,
        "seeing-beats-blind",
        "An annealing that trains its candidates shortly before it judges them (TunedAnnealing) is more "
        f"than {MARGIN} points more accurate than one that does not, at equal parameters, in the mean over "
        "budgets.",
        [(TUNED, ANNEALING)],
    )


def _searched_or_uniform(table: pd.DataFrame, cost: str) -> list[Verdict]:
    """One verdict per searched pruner that has its control, cell by cell."""
    pairs = _uniform_pairs(table, cost)
    return [_searched_or_uniform_at(table, pair, cost, matched_accuracies) for pair in pairs]


def _uniform_pairs(table: pd.DataFrame, cost: str) -> list[Pair]:
    """Each searched pruner and its control with as many params or FLOPs, as far as both are there."""
    there = list(dict.fromkeys(table["pruner"]))
    if cost == "params":
        return list(with_uniform(there).items())
    return [(name, control) for name in there if (control := uniform_flops_of(name)) in there]


def _searched_or_uniform_at(table: pd.DataFrame, pair: Pair, cost: str, at: Accuracies) -> Verdict:
    equally = EQUAL in table
    trained = (
        " Both nets were trained on as many images in all; where the search trains, its net had fewer of "
        "them after the last cut, to recover."
    )
    factor = smallest_factor(cost) if at is accuracies else ALL_FACTORS
    question = Question(MORE, [pair], [cost], factor, at)
    return Verdict(
        f"{short(pair[0]).lower()}-beats-uniform-{cost}",
        f"{short(pair[0])}'s net is more than {MARGIN} points more accurate than a net with one sparsity for "
        f"all layers, at equal {COSTS[cost]}, in the mean over budgets.{trained if equally else ''}",
        scopes(at_equal_training(table) if equally else table, question),
    )


def _from_scratch(pruner: str) -> str:
    """What the nets of a pruner's shapes that are trained from fresh weights are called."""
    return f"{short(pruner)} from scratch"


def _inherited_or_scratch(table: pd.DataFrame) -> Verdict | None:
    if FROM_SCRATCH not in table or EQUAL not in table:
        return None
    equal = at_equal_training(table)
    scratch = equal.assign(
        pruner=[_from_scratch(name) for name in table["pruner"]], performance_finetuned=table[FROM_SCRATCH]
    )
    # A study may leave pruners out of it.
    scratch = scratch[table[FROM_SCRATCH].notna()]
    return _more(
        pd.concat([equal, scratch], ignore_index=True),
        "inherited-beats-scratch",
        f"Inherited weights are more than {MARGIN} points more accurate than the same shape trained from "
        "scratch on as many images in all, the baseline's included, in the mean over budgets.",
        [(name, _from_scratch(name)) for name in PUBLISHED],
        matched_accuracies,
    )


def _more(
    table: pd.DataFrame, key: str, statement: str, pairs: Sequence[Pair], at: Accuracies = accuracies
) -> Verdict | None:
    """That the first of each pair is more accurate at equal params, of the pairs that have feasible cells."""
    there = set(table.loc[table["infeasible"].isna(), "pruner"])
    found = [pair for pair in pairs if set(pair) <= there]
    if not found:
        return None
    factor = smallest_factor("params") if at is accuracies else ALL_FACTORS
    return Verdict(key, statement, scopes(table, Question(MORE, found, ["params"], factor, at)))
