"""Which nets of a cell collapsed: trained to far less than the same cell's nets of other seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filterbench.analysis.seeds import MIN_UNITS

# A collapse is at least so much below the median; accuracy, 0 to 1.
SMALLEST_FALL = 0.10
# Modified z-score of an outlier (Iglewicz & Hoaglin 1993), which is 0.6745 deviations over their median.
Z_OUTLIER = 3.5
MAD_OF_NORMAL = 0.6745


def collapsed(accuracies: Sequence[float]) -> np.ndarray:
    """Which nets of a cell lie far below the others.

    A net collapsed if its accuracy is more than 10 points below the median of the cell, and its modified
    z-score, 0.6745 (median - accuracy) / MAD, is above 3.5 (Iglewicz & Hoaglin 1993); MAD is the median of
    the absolute deviations from the median. If there are two middle values, the median is the higher one and
    MAD the lower one, so half of an even number of nets may collapse. docs/verdicts.md says how often a net
    is wrongly set apart.

    Args:
        accuracies: of one cell, 0 to 1, one per seed; NaN where a seed has no net.

    Returns:
        bool per seed; never true for fewer than three nets, because these have no majority.
    """
    values = np.asarray(accuracies, dtype=float)
    known = np.sort(values[~np.isnan(values)])
    if len(known) < MIN_UNITS:
        return np.zeros(len(values), dtype=bool)
    median = known[len(known) // 2]
    deviation = np.sort(np.abs(known - median))[(len(known) - 1) // 2]
    # Comparisons with NaN are false.
    return np.asarray(median - values > max(SMALLEST_FALL, Z_OUTLIER * deviation / MAD_OF_NORMAL))
