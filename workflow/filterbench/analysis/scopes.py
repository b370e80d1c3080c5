"""One claim, judged on one model with its seeds as units, or across models with models as units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from filterbench.analysis import wording
from filterbench.analysis.claims import ALPHA, FAILS, HOLDS, MARGIN, OPEN, Claim, over_range
from filterbench.analysis.comparing import (
    ACROSS_MODELS,
    WITHIN_MODEL,
    Accuracies,
    Compared,
    Comparison,
    Pair,
    compare,
    count_tests,
)
from filterbench.analysis.curves import accuracies
from filterbench.analysis.seeds import FEWEST_UNITS, LEVEL

# One test image must be less than half of the margin, in percentage points.
COARSEST = MARGIN / 2


@dataclass(frozen=True)
class Question:
    """A claim about pairs of pruners over a range of compression factors.

    Attributes:
        claim: what is claimed of each comparison.
        pairs: the first pruner's accuracy minus the second one's.
        costs: `params`, `flops` or both.
        decided_from: the smallest factor that the claim is about; smaller ones are shown, and decide nothing.
        apart: whether each pair is compared where both of it have cells, else only where all of them have.
        at: the pruners' accuracies at equal budget.
    """

    claim: Claim
    pairs: Sequence[Pair]
    costs: Sequence[str]
    decided_from: float
    apart: bool = False
    at: Accuracies = accuracies

    @property
    def pruners(self) -> list[str]:
        """All that the claim is about."""
        return list(dict.fromkeys(name for pair in self.pairs for name in pair))


@dataclass(frozen=True)
class Scope:
    """The verdict on a claim from one set of independent units.

    Attributes:
        name: a model, or `across models`.
        unit: `seeds` or `models`.
        units: their names.
        verdict: `holds`, `does not hold` or `cannot tell`.
        reason: why, with range, units and the numbers that decide.
        units_needed: how many units would decide at the spread seen; None where the verdict is there, where
            that spread is not known, or where it takes more than 1000.
        comparisons: each comparison with its intervals, as `verdicts.json` has it.
    """

    name: str
    unit: str
    units: list[str]
    verdict: str
    reason: str
    units_needed: int | None = None
    comparisons: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The scope as it stands in `verdicts.json`."""
        return {
            "scope": self.name,
            "unit": self.unit,
            "units": self.units,
            "verdict": self.verdict,
            "reason": self.reason,
            "units_needed": self.units_needed,
            "comparisons": self.comparisons,
        }


def scopes(table: pd.DataFrame, question: Question) -> list[Scope]:
    """The claim on each model and, where there are several, last across them."""
    models = list(dict.fromkeys(table["model"]))
    found = [judge(table[table["model"] == model], question, str(model), WITHIN_MODEL) for model in models]
    if len(models) > 1:
        # A model that lacks a pruner is no unit of a comparison of all of them.
        complete = [
            model
            for model, cells in table.groupby("model", sort=False)
            if set(question.pruners) <= set(cells["pruner"])
        ]
        cells = table[table["model"].isin(complete)] if complete else table
        found.append(judge(cells, question, "across models", ACROSS_MODELS))
    return found


def judge(table: pd.DataFrame, question: Question, name: str, unit: str) -> Scope:
    """The claim on the cells of one scope.

    Args:
        table: cells, infeasible ones included.
        question: the claim, and what it is about.
        name: what to call the scope.
        unit: `seeds` (of one model) or `models`.
    """
    units = [str(each) for each in table["model" if unit == ACROSS_MODELS else "seed"].unique()]
    missing = [wording.short(pruner) for pruner in question.pruners if pruner not in set(table["pruner"])]
    if missing:
        return Scope(name, unit, units, OPEN, f"There are no cells of {wording.listed(missing)}.")
    compared = _compared(table, question, unit)
    deciding = [each for each in compared.comparisons if each.factor >= question.decided_from]
    left_out = wording.left_out(compared.guessing)
    if not deciding:
        everywhere = "in every model" if unit == ACROSS_MODELS else "with every seed"
        reason = (
            f"There is no factor from {wording.times(question.decided_from)} on at which all "
            f"{len(question.pruners)} pruners have cells near enough {everywhere}.{left_out}"
        )
        return Scope(
            name, unit, units, OPEN, reason, None, [_document(each) for each in compared.comparisons]
        )
    weakest = min(deciding, key=question.claim.distance)
    images = _test_images(table)
    about = (
        f"{wording.factor_range(deciding)}, {wording.counted(len(units), unit)}"
        f"{f', {images:,} test images' if images else ''}. The weakest comparison: "
        f"{wording.difference(weakest)}.{left_out}"
    )
    if images and 100 / images >= COARSEST:
        why = wording.too_coarse(images, 100 / COARSEST)
        document = [_document(each) for each in compared.comparisons]
        return Scope(name, unit, units, OPEN, f"{about} {why}", None, document)
    tests = count_tests(deciding)
    outcomes = {each: question.claim.outcome(each, tests) for each in compared.comparisons}
    verdict = over_range([outcomes[each] for each in deciding])
    needed = None
    if len(units) < FEWEST_UNITS:
        why = wording.too_few(FEWEST_UNITS, unit, compared.comparisons, question.claim.seen)
    else:
        why = f"By factor: {wording.by_factor(compared.comparisons, outcomes.__getitem__, wording.JUDGED)}."
        if verdict == OPEN:
            needed = question.claim.units_needed(deciding, tests)
            why += f" {wording.power(needed, deciding, unit)}"
    document = [_document(each, outcome) for each, outcome in outcomes.items()]
    return Scope(name, unit, units, verdict, f"{about} {why}", needed, document)


def _compared(table: pd.DataFrame, question: Question, unit: str) -> Compared:
    if not question.apart:
        return compare(table, question.pairs, question.costs, unit, question.at)
    found = [compare(table, [pair], question.costs, unit, question.at) for pair in question.pairs]
    guessing = {
        cost: sorted({factor for each in found for factor in each.guessing[cost]}) for cost in question.costs
    }
    return Compared([comparison for each in found for comparison in each.comparisons], guessing)


def _test_images(table: pd.DataFrame) -> int | None:
    known = table["test_images"].dropna() if "test_images" in table else pd.Series(dtype=float)
    return None if known.empty else int(known.min())


def _document(comparison: Comparison, outcome: str = OPEN) -> dict[str, Any]:
    low, high = comparison.interval(LEVEL)
    test_low, test_high = comparison.interval(1 - 2 * ALPHA)
    return {
        "pruner": comparison.pair[0],
        "other": comparison.pair[1],
        "cost": comparison.cost,
        "factor": round(comparison.factor, 4),
        "differences": {name: round(value, 4) for name, value in comparison.units.items()},
        "mean": round(comparison.mean, 4),
        "low": wording.json_number(low, 4),
        "high": wording.json_number(high, 4),
        "test_low": wording.json_number(test_low, 4),
        "test_high": wording.json_number(test_high, 4),
        "outcome": outcome,
    }


@dataclass(frozen=True)
class Verdict:
    """What the cells say about one conclusion.

    Attributes:
        key: short name of the conclusion.
        statement: the conclusion.
        scopes: the verdict on each model and, where there are several, last the one across models.
        notes: what else the cells say that bears on it.
    """

    key: str
    statement: str
    scopes: list[Scope]
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`holds`, `does not hold` or `cannot tell`: that of the widest scope.

        What holds across models, perhaps over a shorter range, and not on one of them, stays open.
        """
        if not self.scopes:
            return OPEN
        widest = self.scopes[-1].verdict
        contradicted = widest == HOLDS and any(scope.verdict == FAILS for scope in self.scopes)
        return OPEN if contradicted else widest

    def document(self) -> dict[str, Any]:
        """The verdict as it stands in `verdicts.json`."""
        return {
            "key": self.key,
            "statement": self.statement,
            "verdict": self.verdict,
            "scopes": [scope.document() for scope in self.scopes],
            "notes": self.notes,
        }
