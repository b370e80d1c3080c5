"""A study's primary questions, written down before its first cell runs (docs/leads.md)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filterbench.analysis.hypotheses import ALPHA, POWER
from filterbench.analysis.leads import ALL
from filterbench.analysis.power import power
from filterbench.documents.schemas import Fault, refuse, schema_faults
from filterbench.storage.errors import InputError, first_line
from filterbench.storage.strict_yaml import parse_yaml

# How far a plan's stated power may differ from the one that its numbers give: plans state two digits.
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
        power: the stated probability that the claim is found to hold, if the expectations are true.
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
        InputError: the file is not a plan, has a duplicate key, or has a question that its seeds would not
            decide; the message names file, question and key.
    """
    try:
        plan = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, InputError) as reason:
        raise InputError(f"{path}: not a readable plan ({first_line(reason)})") from reason
    faults = list(schema_faults("plan", plan))
    if not faults:
        questions = [Question(**each | {"target": str(each["target"])}) for each in plan["questions"]]
        faults = [*_duplicates(questions), *_powers(questions)]
    refuse(path, faults)
    return questions


def planned_power(question: Question, questions: int) -> float:
    """Probability that a claim is found to hold at the planned seeds, if the expectations are true.

    It is a lower bound. It uses the level of Holm's first step, the strictest one. A claim with two ends
    needs two tests that both reject, and their probabilities are combined by Bonferroni.

    Args:
        question: the claim.
        questions: how many the plan has.
    """
    distances = question.expected - question.lowest, question.highest - question.expected
    alpha = ALPHA / questions
    each = [power(distance, question.expected_spread, question.seeds, alpha) for distance in distances]
    return max(0.0, float(sum(each)) - 1)


def _duplicates(questions: list[Question]) -> Iterator[Fault]:
    for key in sorted(key for key, count in Counter(each.key for each in questions).items() if count > 1):
        yield Fault("$.questions", f"duplicate key {key!r}")


def _powers(questions: list[Question]) -> Iterator[Fault]:
    for question in questions:
        found, seeds, spread = (
            planned_power(question, len(questions)),
            question.seeds,
            question.expected_spread,
        )
        at = f"{seeds} seeds with a spread of {spread:g} and an expected {question.expected:+g} points"
        if found < POWER:
            said = f"its power is {found:.2f} at {at}; at least {POWER:g}: more seeds, or leave it out"
            yield Fault(f"$.{question.key}", said)
        elif abs(found - question.power) > POWER_SLACK:
            yield Fault(f"$.{question.key}.power", f"{question.power:g}, but it is {found:.2f} at {at}")
