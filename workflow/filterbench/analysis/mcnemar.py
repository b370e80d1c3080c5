"""Two nets compared image by image (McNemar 1947).

This is about two nets, not two pruners: two nets of one pruner with different seeds differ, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from filterbench.analysis.power import holm

COLUMNS = ["model", "seed", "target", "pruner", "other", "images", "only_pruner", "only_other", "p", "p_holm"]
Cell = tuple[str, int, str, str]


def exact_test(one: np.ndarray, other: np.ndarray) -> tuple[int, int, float]:
    """McNemar's exact test: whether two nets are equally accurate on images like these.

    Only images that exactly one net gets right count. If the nets are equally accurate, each of these images
    belongs to either net with probability one half (two-sided binomial test).

    Args:
        one: which images a net gets right; bool, of shape (images,).
        other: the same of another net, on the same images.

    Returns:
        How many images only the first net gets right, how many only the second one does, and the p-value;
        it is 1 where there are no such images.
    """
    from scipy.stats import binomtest

    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    discordant = only_one + only_other
    return only_one, only_other, float(binomtest(only_one, discordant).pvalue) if discordant else 1.0


def mcnemar(correct: Mapping[Cell, np.ndarray]) -> pd.DataFrame:
    """All pairs of pruners at the same model, seed and target, image by image.

    Args:
        correct: which test images each cell's net gets right, by (model, seed, target, pruner); bool, of
            shape (images,).

    Returns:
        One row per pair: `images` (how many were tested), `only_pruner` and `only_other` (images that only
        one of them gets right), `p` (exact test) and `p_holm`, corrected by Holm's procedure over all rows of
        the model.
    """
    places: dict[tuple[str, int, str], list[str]] = {}
    for model, seed, target, pruner in correct:
        places.setdefault((model, seed, target), []).append(pruner)
    rows = [
        (*place, pruner, other, one.size, *exact_test(one, correct[*place, other]))
        for place, pruners in places.items()
        for pruner, other in combinations(pruners, 2)
        for one in [correct[*place, pruner]]
    ]
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    return table.assign(p_holm=table.groupby("model")["p"].transform(lambda p: holm(p.to_list())))
