"""What guessing reaches."""

from __future__ import annotations

import pandas as pd

# A guess exceeds the bound in one of twenty sets of images.
LEVEL = 0.95


def guessing_bound(chance: float, images: int) -> float:
    """The accuracy that guessing does not exceed in 19 of 20 samples of images, 0 to 1.

    The 95 % quantile of the binomial distribution: one-sided, because only better than chance counts.

    Args:
        chance: accuracy of the best constant answer, 0 to 1.
        images: number of images.
    """
    from scipy.stats import binom

    return float(binom.ppf(LEVEL, images, chance)) / images


def at_chance(table: pd.DataFrame) -> float:
    """The accuracy up to which the nets of a table of cells do no better than guessing.

    Args:
        table: cells of one dataset; where it lacks `chance` or `test_images`, nothing counts as a guess.

    Returns:
        An accuracy, 0 to 1, or -1.
    """
    if not {"chance", "test_images"} <= set(table):
        return -1.0
    known = table[["chance", "test_images"]].dropna()
    if known.empty:
        return -1.0
    return guessing_bound(known["chance"].max(), int(known["test_images"].min()))
