"""The accuracy that guessing reaches."""

from __future__ import annotations

import pandas as pd

# A guess exceeds the bound in one of twenty sets of images.
GUESSING_LEVEL = 0.95


def guessing_bound(chance: float, images: int) -> float:
    """The accuracy, 0 to 1, that guessing does not exceed in 19 of 20 samples of images.

    The 95 % quantile of the binomial distribution: one-sided, because only better than chance counts. The
    chance is the accuracy of the best constant answer, 0 to 1.
    """
    from scipy.stats import binom

    return float(binom.ppf(GUESSING_LEVEL, images, chance)) / images


def at_chance(table: pd.DataFrame) -> float:
    """The accuracy, 0 to 1, up to which the nets of cells of one dataset do no better than guessing.

    -1 if the table lacks `chance` or `test_images`: then nothing counts as a guess.
    """
    known = table.reindex(columns=["chance", "test_images"]).dropna()
    if known.empty:
        return -1.0
    return guessing_bound(known["chance"].max(), int(known["test_images"].min()))
