"""A study's primary questions, written down before its first cell runs (docs/leads.md)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from filterbench.analysis.claims import ALPHA, POWER
from filterbench.analysis.leads import ALL
from filterbench.analysis.power import power
from filterbench.documents.schemas import Fault, schema_faults
from filterbench.storage.errors import InputError

# How far the power that a plan states may lie from the one that its numbers give: it has two digits.
POWER_SLACK = 0.0051
CLAIMS = {
    "more": "more than {margin:g} points above zero",
    "less": "more than {margin:g} points below zero",
    "between": "within {margin:g} points of zero",
}


@dataclass(frozen=True)
class Question:
    """One primary question: a claim about one component of a lead.

    Attributes:
        key: its name.
        model: name of the model.
        pruner: the searched pruner.
        component: a key of `filterbench.analysis.leads.COMPONENTS`.
        budget: training budget, in epochs.
        target: as in paths, or `all`.
        claim: a key of `CLAIMS`.
        margin: of the claim, in percentage points, at least 0.
        expected: the true mean that is expected, in percentage points.
        expected_spread: the standard deviation over seeds that is expected, in percentage points.
        seeds: how many are planned.
        power: probability that the claim is found to hold, if the expectations are true.
    """

    key: str
    model: str
    pruner: str
    component: str
    budget: int
    target: str
    claim: str
    margin: float
    expected: float
    expected_spread: float
    seeds: int
    power: float

    @property
    def lowest(self) -> float:
        """The claimed mean lies above it; may be -infinity."""
        return {"more": self.margin, "less": -math.inf, "between": -self.margin}[self.claim]

    @property
    def highest(self) -> float:
        """The claimed mean lies below it; may be infinity."""
        return {"more": math.inf, "less": -self.margin, "between": self.margin}[self.claim]

    def statement(self) -> str:
        """The claim as a sentence."""
        at = "pooled over all targets" if self.target == ALL else f"at {self.target}"
        claim = CLAIMS[self.claim].format(margin=self.margin)
        component = self.component[0].upper() + self.component[1:]
        return f"{component} of {self.pruner} on {self.model} at {self.budget} epochs, {at}: {claim}."


def read_questions(path: Path) -> list[Question]:
    """A plan's questions, checked by themselves.

    Raises:
        InputError: the file is no plan, names a key twice, or has a question that its seeds would not decide;
            the message names file, question and key.
    """
    try:
        plan = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as reason:
        raise InputError(f"{path}: not a readable plan ({str(reason).splitlines()[0]})") from reason
    faults = list(schema_faults("plan", plan))
    if not faults:
        questions = [Question(**each | {"target": str(each["target"])}) for each in plan["questions"]]
        faults = [*_duplicates(questions), *_powers(questions)]
    if faults:
        raise InputError(f"{path}: " + "; ".join(str(fault).removeprefix("$.") for fault in faults))
    return questions


def planned_power(question: Question, questions: int) -> float:
    """Probability that a claim is found to hold at the planned seeds, if the expectations are true.

    At the level of Holm's first step, so that it is a lower bound whatever the other questions come to. Of a
    claim with two ends it is a lower bound too (Bonferroni), as both tests must reject.

    Args:
        question: with `expected`, `expected_spread` and `seeds`.
        questions: their number in the plan.
    """
    distances = question.expected - question.lowest, question.highest - question.expected
    alpha = ALPHA / questions
    each = [power(distance, question.expected_spread, question.seeds, alpha) for distance in distances]
    return max(0.0, float(sum(each)) - 1)


def _duplicates(questions: list[Question]) -> Iterator[Fault]:
    keys = [question.key for question in questions]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Fault("$.questions", f"duplicate key {key!r}")


def _powers(questions: list[Question]) -> Iterator[Fault]:
    for question in questions:
        found = planned_power(question, len(questions))
        at = (
            f"{question.seeds} seeds with a spread of {question.expected_spread:g} and an expected "
            f"{question.expected:+g} points"
        )
        if found < POWER:
            yield Fault(
                f"$.{question.key}",
                f"its power is {found:.2f} at {at}; at least {POWER:g}: more seeds, or leave it out",
            )
        elif abs(found - question.power) > POWER_SLACK:
            yield Fault(f"$.{question.key}.power", f"{question.power:g}, but it is {found:.2f} at {at}")
