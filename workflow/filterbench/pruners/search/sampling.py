"""Drawing a sparsity for each layer so that the whole net reaches a target."""

from __future__ import annotations

import numpy as np

SWEEPS = 200


def draw_sparsities(weights: np.ndarray, target: float, random: np.random.RandomState) -> np.ndarray:
    """Draw sorted sparsities whose mean, weighted by the layers' weights, is the target.

    NNI's annealing draws n uniform numbers, sorts and rescales them to the target, and starts over while
    the largest reaches 1: with 13 layers at 0.975 about 400,000 times, with 53 layers endlessly. This
    function draws from the same distribution directly, for any target.

    With gaps g_k = s_k - s_(k-1) and the slack g_0 = 1 - s_n, the draw is a point of a simplex
    (g >= 0, sum 1) on the plane sum_k a_k g_k = target, where a_k is the share of the weights in layers
    k..n and a_0 is 0. NNI accepts u = s / c for every scale c that keeps u in the unit cube, so that the
    density of s is the integral of r^(n-1) over 0 < r < 1 / s_n: proportional to s_n^(-n) = (1 - g_0)^(-n).
    A Gibbs sampler redraws three gaps at a time along the one line that keeps both sums, on which the
    density is known (Geman & Geman 1984).

    Args:
        weights: number of weights of each layer, ascending, (n,), n from 1.
        target: weighted mean to reach, above 0 and below 1.
        random: the source of every draw.

    Returns:
        Ascending sparsities, (n,), each from 0 and below 1; the last one belongs to the largest layer.
    """
    count = len(weights)
    if count == 1:
        # The plane is a point, and there are no three gaps to redraw.
        return np.array([target])
    shares = np.concatenate([[0.0], np.cumsum(weights[::-1])[::-1] / np.sum(weights)])
    gaps = np.zeros(count + 1)
    gaps[:2] = 1 - target, target
    draws = random.uniform(size=SWEEPS * count)
    for draw in draws:
        chosen = np.sort(random.choice(count + 1, 3, replace=False))
        i, j, k = chosen
        line = np.array([shares[j] - shares[k], shares[k] - shares[i], shares[i] - shares[j]])
        gaps[chosen] = _redraw(gaps[chosen], line, count if i == 0 else 0, draw)
    return np.minimum(np.cumsum(gaps[1:]), np.nextafter(1, 0))


def _redraw(gaps: np.ndarray, line: np.ndarray, power: int, draw: float) -> np.ndarray:
    """A point on the part of a line through three gaps where none is negative.

    Args:
        gaps: the three gaps, the slack first if it is among them.
        line: direction along which both sums stay.
        power: the density is (1 - slack)^(-power); 0 where the slack is not among the three.
        draw: uniform in 0..1.
    """
    falling, rising = line < 0, line > 0
    if not falling.any() or not rising.any():
        return gaps
    upper = (gaps[falling] / -line[falling]).min()
    lower = -(gaps[rising] / line[rising]).min()
    if power == 0 or line[0] == 0:
        step = lower + draw * (upper - lower)
    else:
        # The integral of (1 - slack - step * line[0])^(-power), inverted.
        first, last = (1 - gaps[0] - step * line[0] for step in (lower, upper))
        ratio = (last / first) ** (1 - power)
        step = lower + (first - first * (1 + draw * (ratio - 1)) ** (1 / (1 - power))) / line[0]
    return np.maximum(gaps + step * line, 0)
