"""What the scores of a search could decide."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from scipy.special import bdtrc

from filterbench.documents.types import Scores

# Probability that the best of several candidates counts as above chance although all are at chance.
LUCK_LEVEL = 0.05


def summarise_scores(steps: Iterable[dict[str, Any]], chance: float, images: int) -> Scores:
    """What a search chose by, as `prune.json` records it.

    A choice is blind if even its best candidate scores no more than the best of that many candidates at
    chance may score by luck: a one-sided binomial test (Clopper & Pearson 1934), at 5 % divided by the number
    of its candidates (Bonferroni).

    Args:
        steps: rows of `search.csv`, in order, at least one.
        chance: accuracy of always answering the most common class of the selection images, 0..1.
        images: number of the selection images.
    """
    choices = [[row["score"] for row in rows] for _, rows in groupby(steps, lambda row: row["choice"])]
    blind = [scores for scores in choices if _is_luck(max(scores), len(scores), chance, images)]
    scores = [score for choice in choices for score in choice]
    return {
        "best": max(scores),
        "lowest": min(scores),
        "chance": chance,
        "choices": len(choices),
        "blind_choices": len(blind),
    }


def _is_luck(best: float, candidates: int, chance: float, images: int) -> bool:
    """Whether one of that many candidates at chance is likely enough to reach the best score."""
    correct = round(best * images)
    as_many = bdtrc(correct - 1, images, chance) if correct else 1.0
    return bool(as_many > LUCK_LEVEL / candidates)
