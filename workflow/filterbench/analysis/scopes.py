"""One claim, judged on one model with its seeds as units, or across models with models as units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

import pandas as pd

from filterbench.analysis import hypotheses, wording
from filterbench.analysis.comparing import ACROSS_MODELS, WITHIN_MODEL, Accuracies, Comparison, Pair, compare
from filterbench.analysis.curves import accuracies
from filterbench.analysis.estimates import EstimateDocument, by_target, json_number, over_units, pooled
from filterbench.analysis.hypotheses import ALPHA, FAILS, HOLDS, MARGIN, NOT_ASKED, OPEN, Hypothesis, Tested
from filterbench.analysis.seeds import CONFIDENCE, MIN_UNITS
from filterbench.domain.names import short

# One test image must be less than half of the margin, in percentage points.
COARSEST = MARGIN / 2


@dataclass(frozen=True)
class Comparisons:
    """A hypothesis about pairs of pruners over a range of compression factors.

    Attributes:
        claim: what is claimed of each pair.
        pairs: the first pruner's accuracy minus the second one's.
        costs: `params`, `flops`, `latency`.
        decided_from: the smallest factor that the claim is about.
        at: the pruners' accuracies at equal budget.
    """

    claim: Hypothesis
    pairs: Sequence[Pair]
    costs: Sequence[str]
    decided_from: float
    at: Accuracies = accuracies

    @property
    def pruners(self) -> list[str]:
        """The pruners that the claim is about, each once."""
        return list(dict.fromkeys(name for pair in self.pairs for name in pair))


class Pooled(EstimateDocument):
    """The mean over factors in `verdicts.json`, with the 90 % interval that the tests use."""

    test_low: float | None
    test_high: float | None


class AtFactor(EstimateDocument):
    """The mean at a factor in `verdicts.json`."""

    factor: float


class ComparisonDocument(TypedDict):
    """A comparison in `verdicts.json`; `differences` is by unit, in percentage points."""

    pruner: str
    other: str
    cost: str
    differences: dict[str, float]
    pooled: Pooled
    by_factor: list[AtFactor]
    outcome: str


@dataclass(frozen=True)
class Scope:
    """The verdict on a claim from one set of independent units.

    Attributes:
        name: a model, or `across models`.
        unit: `seeds` or `models`.
        units: their names.
        verdict: `holds`, `does not hold`, `cannot tell` or `not asked`.
        reason: why, with range, units and the comparison that decides.
        units_needed: how many units would decide it; None if the verdict is decided, if the number is not
            known, or if it is above 1000.
        comparisons: each comparison with its intervals.
    """

    name: str
    unit: str
    units: list[str]
    verdict: str
    reason: str
    units_needed: int | None = None
    comparisons: list[ComparisonDocument] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The scope in `verdicts.json`."""
        fields = asdict(self)
        return {"scope": fields.pop("name"), **fields}


def scopes(table: pd.DataFrame, question: Comparisons) -> list[Scope]:
    """The claim on each model and, if at least three models have all its pruners, last across these."""
    by_model = dict(list(table.groupby("model", sort=False)))
    found = [judge(cells, question, str(model), WITHIN_MODEL) for model, cells in by_model.items()]
    pruners = set(question.pruners)
    complete = [model for model, cells in by_model.items() if pruners <= set(cells["pruner"])]
    if len(complete) >= MIN_UNITS:
        cells = table[table["model"].isin(complete)]
        found.append(judge(cells, question, "across models", ACROSS_MODELS))
    return found


def judge(table: pd.DataFrame, question: Comparisons, name: str, unit: str) -> Scope:
    """The claim on cells, infeasible ones included; the unit is `seeds` (of one model) or `models`."""
    units = [str(each) for each in table["model" if unit == ACROSS_MODELS else "seed"].unique()]
    missing = [short(pruner) for pruner in question.pruners if pruner not in set(table["pruner"])]
    if missing:
        return Scope(name, unit, units, NOT_ASKED, f"There are no cells of {wording.listed(missing)}.")
    if len(units) < MIN_UNITS:
        return Scope(name, unit, units, NOT_ASKED, wording.too_few(MIN_UNITS, unit, len(units)))
    compared = compare(table, question.pairs, question.costs, unit, question.at)
    asked = (each.from_factor(question.decided_from) for each in compared.comparisons)
    comparisons = [each for each in asked if each.factors]
    nowhere = [pair for pair in question.pairs if pair not in {each.pair for each in comparisons}]
    left_out = wording.left_out(compared.guessing)
    if not comparisons:
        reason = wording.nowhere(nowhere[0], question.decided_from, unit)
        return Scope(name, unit, units, NOT_ASKED, f"{reason}{left_out}")
    tests = question.claim.tests(comparisons)
    documents = [_document(question.claim, each, len(tests)) for each in comparisons]
    images = _test_images(table)
    about = (
        f"{wording.factor_range(comparisons)}, {wording.counted(len(units), unit)}"
        f"{f', {images:,} test images' if images else ''}.{left_out}{wording.set_apart(comparisons)}"
    )
    if images and 100 / images >= COARSEST:
        verdict, why, needed = NOT_ASKED, wording.too_coarse(images, 100 / COARSEST), None
    else:
        verdict, why, needed = _decided(question.claim, tests, unit)
    if nowhere and verdict != FAILS:
        # One pair can refute the claim, but it cannot hold of pairs that are compared nowhere.
        verdict, why, needed = NOT_ASKED, wording.nowhere(nowhere[0], question.decided_from, unit), None
    return Scope(name, unit, units, verdict, f"{about} {why}", needed, documents)


def _decided(claim: Hypothesis, tests: Sequence[Tested], unit: str) -> tuple[str, str, int | None]:
    """The verdict, the sentences that say why, and how many units would decide an open one."""
    verdict = claim.verdict(tests)
    decides = claim.deciding(tests)
    said = wording.decides(verdict, decides, len(tests))
    if verdict != OPEN:
        return verdict, said, None
    fewest = min(tests, key=lambda test: len(test.values))
    if len(fewest.values) < MIN_UNITS:
        return NOT_ASKED, wording.too_few_left(MIN_UNITS, unit, fewest), None
    if not claim.pooled and claim.power_if_alike(tests, len(fewest.values)) < hypotheses.POWER:
        needed = claim.units_if_alike(tests)
        return NOT_ASKED, f"{said} {wording.too_weak(needed, len(tests), unit)}", needed
    needed = claim.units_needed(tests)
    return verdict, f"{said} {wording.power(needed, decides, unit)}", needed


def _test_images(table: pd.DataFrame) -> int | None:
    known = table.get("test_images", pd.Series(dtype=float)).dropna()
    return None if known.empty else int(known.min())


def _document(claim: Hypothesis, comparison: Comparison, tests: int) -> ComparisonDocument:
    """A comparison in `verdicts.json`; `tests` is the number of differences that the claim is tested on."""
    differences, apart = comparison.differences, comparison.apart
    test = pooled(differences, apart, 1 - 2 * ALPHA)
    means = over_units(differences.mean(axis=1).dropna())
    return {
        "pruner": comparison.pair[0],
        "other": comparison.pair[1],
        "cost": comparison.cost,
        "differences": {str(name): round(float(value), 4) for name, value in means.items()},
        "pooled": {
            **pooled(differences, apart, CONFIDENCE).document(),
            "test_low": json_number(test.low),
            "test_high": json_number(test.high),
        },
        "by_factor": [
            {"factor": round(float(str(factor)), 4), **estimate.document()}
            for factor, estimate in by_target(differences, apart).items()
        ],
        "outcome": hypotheses.over_range([claim.outcome(each, tests) for each in claim.tests([comparison])]),
    }


@dataclass(frozen=True)
class Verdict:
    """What the cells say about one conclusion.

    Attributes:
        key: short name of the conclusion.
        statement: the conclusion.
        scopes: the verdict on each model and, if there are three or more, last the one across models.
        notes: other findings in the cells that matter to it.
    """

    key: str
    statement: str
    scopes: list[Scope]
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """That across models, if there is one; otherwise that of all models, or `not asked` if they differ.

        A claim that holds across models, perhaps over a shorter range, but does not hold on one of them stays
        open.
        """
        if not self.scopes:
            return NOT_ASKED
        widest = self.scopes[-1]
        said = {scope.verdict for scope in self.scopes}
        if widest.unit == ACROSS_MODELS:
            return OPEN if widest.verdict == HOLDS and FAILS in said else widest.verdict
        return widest.verdict if len(said) == 1 else NOT_ASKED

    def document(self) -> dict[str, Any]:
        """The verdict in `verdicts.json`."""
        return {
            "key": self.key,
            "statement": self.statement,
            "verdict": self.verdict,
            "scopes": [scope.document() for scope in self.scopes],
            "notes": self.notes,
        }
