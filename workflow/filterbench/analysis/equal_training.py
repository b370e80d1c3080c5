"""Conclusions beyond the published four: what a search is worth.

Each is judged where a study has the cells that it is about; docs/verdicts.md defines the terms.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from filterbench.analysis.comparing import ANNEALING, AUTO_COMPRESS, NET_ADAPT, ONE_SHOT, Accuracies, Pair
from filterbench.analysis.controls import uniform_flops_of, uniform_names, with_uniform
from filterbench.analysis.curves import accuracies, matched_accuracies, smallest_factor
from filterbench.analysis.hypotheses import MARGIN, MORE
from filterbench.analysis.scopes import Comparisons, Verdict, scopes
from filterbench.analysis.wording import COSTS
from filterbench.domain.names import short

EQUAL, FROM_SCRATCH = "performance_equal", "performance_scratch_total"
RANDOM_ALLOCATION, TUNED = "RandomAllocationPruner", "TunedAnnealingPruner"
# By searching pruner the control with one sparsity for all layers and as many params.
UNIFORM = {name: uniform_names(name)[0] for name in (ANNEALING, NET_ADAPT, AUTO_COMPRESS)}
PUBLISHED = (*ONE_SHOT, NET_ADAPT, ANNEALING, AUTO_COMPRESS)
# Cells that were matched one by one are compared at all targets of the study.
ALL_FACTORS = 0.0


def equal_training_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """The verdicts of cells of any models and seeds on those conclusions that they are about."""
    found = [
        _more(
            table,
            "annealing-beats-random",
            f"SimulatedAnnealing's allocation is more than {MARGIN} points more accurate than the best of as "
            "many random ones, at equal parameters, in the mean over budgets.",
            [(ANNEALING, RANDOM_ALLOCATION)],
        ),
        _more(
            table,
            "seeing-beats-blind",
            "An annealing that trains its candidates shortly before it judges them (TunedAnnealing) is more "
            f"than {MARGIN} points more accurate than one that does not, at equal parameters, in the mean "
            "over budgets.",
            [(TUNED, ANNEALING)],
        ),
        *(_searched_or_uniform(table, pair, "params") for pair in _params_pairs(table)),
        *(_searched_or_uniform(table, pair, "flops") for pair in _flops_pairs(table)),
        _inherited_or_scratch(table),
    ]
    return [verdict for verdict in found if verdict]


def equal_latency_verdicts(table: pd.DataFrame) -> list[Verdict]:
    """Whether each search pays at equal latency; none without a searching pruner and its uniform control.

    The cells have `latency_original` and `latency_compact` of a batch.
    """
    return [_searched_or_uniform(table, pair, "latency", accuracies) for pair in _params_pairs(table)]


def at_equal_training(table: pd.DataFrame) -> pd.DataFrame:
    """The cells with their accuracy at equal training; infeasible if the search alone had more training."""
    known = table[EQUAL].notna() | table["infeasible"].notna()
    # The unpruned net had only the training of the fine-tuning.
    rest = table.drop(columns="performance_original_finetuned", errors="ignore")
    reason = table["infeasible"].where(known, "too much training")
    return rest.assign(performance_finetuned=table[EQUAL], infeasible=reason)


def _params_pairs(table: pd.DataFrame) -> list[Pair]:
    """Each searching pruner and its uniform control with as many params, if both have cells."""
    return list(with_uniform(list(dict.fromkeys(table["pruner"]))).items())


def _flops_pairs(table: pd.DataFrame) -> list[Pair]:
    """Each pruner and its uniform control with as many FLOPs, if both have cells."""
    there = list(dict.fromkeys(table["pruner"]))
    return [(name, control) for name in there if (control := uniform_flops_of(name)) in there]


def _searched_or_uniform(
    table: pd.DataFrame, pair: Pair, cost: str, at: Accuracies = matched_accuracies
) -> Verdict:
    equally = EQUAL in table
    trained = (
        " Both nets were trained on as many images in all; where the search trains, its net had fewer of "
        "them after the last cut, to recover."
    )
    name = short(pair[0])
    return Verdict(
        f"{name.lower()}-beats-uniform-{cost}",
        f"{name}'s net is more than {MARGIN} points more accurate than a net with one sparsity for all "
        f"layers, at equal {COSTS[cost]}, in the mean over budgets.{trained if equally else ''}",
        scopes(at_equal_training(table) if equally else table, _question([pair], cost, at)),
    )


def _inherited_or_scratch(table: pd.DataFrame) -> Verdict | None:
    if FROM_SCRATCH not in table or EQUAL not in table:
        return None
    scratch = {name: f"{short(name)} from scratch" for name in table["pruner"].unique()}
    equal = at_equal_training(table)
    fresh = equal.assign(pruner=table["pruner"].map(scratch), performance_finetuned=table[FROM_SCRATCH])
    # A study may train only some pruners' shapes from scratch.
    return _more(
        pd.concat([equal, fresh[table[FROM_SCRATCH].notna()]], ignore_index=True),
        "inherited-beats-scratch",
        f"Inherited weights are more than {MARGIN} points more accurate than the same shape trained from "
        "scratch on as many images in all, the baseline's included, in the mean over budgets.",
        [(name, scratch[name]) for name in PUBLISHED if name in scratch],
        matched_accuracies,
    )


def _more(
    table: pd.DataFrame, key: str, statement: str, pairs: Sequence[Pair], at: Accuracies = accuracies
) -> Verdict | None:
    """That the first of each pair is more accurate at equal params, of the pairs that have feasible cells."""
    there = set(table.loc[table["infeasible"].isna(), "pruner"])
    found = [pair for pair in pairs if set(pair) <= there]
    return Verdict(key, statement, scopes(table, _question(found, "params", at))) if found else None


def _question(pairs: Sequence[Pair], cost: str, at: Accuracies) -> Comparisons:
    return Comparisons(MORE, pairs, [cost], smallest_factor(cost) if at is accuracies else ALL_FACTORS, at)
