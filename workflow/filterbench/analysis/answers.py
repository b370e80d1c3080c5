"""What a study's leads say to its primary questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from filterbench.analysis.estimates import Estimate
from filterbench.analysis.hypotheses import ALPHA, FAILS, HOLDS, OPEN
from filterbench.analysis.leads import ALL, Lead
from filterbench.analysis.power import holm
from filterbench.analysis.questions import Question
from filterbench.analysis.seeds import CONFIDENCE, t_quantile

NOTHING = Estimate(0, math.nan, math.nan, math.nan, 0, math.nan)


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: the question.
        answer: `holds`, `does not hold` or `cannot tell`.
        estimate: the mean over seeds.
        p_holds: of the test that the claim is not true, corrected over the plan's questions (Holm 1979).
        p_fails: of the test that it is true, corrected likewise.
        note: why there is no estimate; empty where there is one.
    """

    question: Question
    answer: str
    estimate: Estimate
    p_holds: float
    p_fails: float
    note: str = ""


def answers(questions: Sequence[Question], leads: Sequence[Lead]) -> list[Answer]:
    """The answers of a study's leads to its plan's questions, in the plan's order; see `judged`."""
    found = [_found(question, leads) for question in questions]
    decided = judged(questions, [estimate for estimate, _ in found])
    return [replace(each, note=note) for each, (_, note) in zip(decided, found, strict=True)]


def judged(questions: Sequence[Question], estimates: Sequence[Estimate]) -> list[Answer]:
    """What estimates say to a plan's questions.

    With a probability of at least 95 % no false claim of the plan is said to hold, and with the same
    probability no true one is refuted: one-sided t tests, corrected by Holm's procedure over all questions,
    separately for each of the two errors.

    Args:
        questions: the plan's.
        estimates: one per question, with intervals of the level `filterbench.analysis.seeds.CONFIDENCE`.
    """
    asked = list(zip(questions, estimates, strict=True))
    p_holds = holm([_p_holds(*each) for each in asked]).tolist()
    p_fails = holm([_p_fails(*each) for each in asked]).tolist()
    return [
        Answer(
            question, HOLDS if holds <= ALPHA else FAILS if fails <= ALPHA else OPEN, estimate, holds, fails
        )
        for (question, estimate), holds, fails in zip(asked, p_holds, p_fails, strict=True)
    ]


def _found(question: Question, leads: Sequence[Lead]) -> tuple[Estimate, str]:
    """The estimate that answers a question, and why there is none."""
    asked = (question.model, question.pruner, question.component, question.budget)
    for lead in leads:
        if (lead.model, lead.pruner, lead.component, lead.budget) == asked:
            if question.target not in (ALL, *lead.targets):
                break
            return lead.estimate(question.target), lead.why_missing(question.target)
    return NOTHING, "no seed has cells of both the pruner and its uniform control there"


def _p_holds(question: Question, estimate: Estimate) -> float:
    """Of the test that the claim is not true: that of the nearer end (Schuirmann 1987)."""
    return max(_p_above(estimate, question.lowest), _p_below(estimate, question.highest))


def _p_fails(question: Question, estimate: Estimate) -> float:
    """Of the test that the claim is true, which either end can refute (Bonferroni)."""
    ends = [_p_below(estimate, question.lowest)] if math.isfinite(question.lowest) else []
    ends += [_p_above(estimate, question.highest)] if math.isfinite(question.highest) else []
    return min(1.0, len(ends) * min(ends))


def _p_above(estimate: Estimate, bound: float) -> float:
    """Of the one-sided t test that the mean is at most a bound; 1 without an interval."""
    if math.isinf(bound):
        return 0.0
    if math.isnan(estimate.low):
        return 1.0
    from scipy.special import stdtr

    degrees = estimate.n - 1
    error = (estimate.high - estimate.low) / 2 / t_quantile(degrees, CONFIDENCE)
    return float(stdtr(degrees, (bound - estimate.mean) / error))


def _p_below(estimate: Estimate, bound: float) -> float:
    """Of the one-sided t test that the mean is at least a bound; 1 without an interval."""
    mirrored = replace(estimate, mean=-estimate.mean, low=-estimate.high, high=-estimate.low)
    return _p_above(mirrored, -bound)
