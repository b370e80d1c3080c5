"""How often candidate intervals contain the truth: the table of docs/verdicts.md.

    PYTHONPATH=workflow python benchmarks/coverage.py

Two nets per seed and target; the true difference is zero. Accuracies are normal over seeds, with a
correlation between a net's targets. Where nets collapse, the first one is 30 points lower at every target:
with exactly one seed in five, or with each seed with probability 1/5. The truth is the difference of seeds
that did not collapse. A row has the lowest and the highest coverage over correlations and numbers of targets.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.special import stdtrit

from filterbench.analysis.collapses import collapsed

LEVEL = 0.95
STUDIES = 2000
# Max-t procedures draw for each study anew.
RESAMPLED_STUDIES, DRAWS = 400, 1000
SEEDS, SPREADS, CORRELATIONS, TARGETS = (5, 10), (0.3, 1.0, 3.0, 8.0), (0.0, 0.5, 0.9), (3, 6)
FALL = 30.0
FALLS = ("none", "one in five", "each, 1/5")


def studies(
    draw: np.random.Generator, seeds: int, targets: int, spread: float, correlation: float, falls: str
) -> tuple[np.ndarray, np.ndarray]:
    """Differences in points and whether a net of the pair counts as collapsed; (studies, seeds, targets)."""
    nets = []
    for _ in range(2):
        common, own = (
            draw.standard_normal((STUDIES, seeds, 1)),
            draw.standard_normal((STUDIES, seeds, targets)),
        )
        nets.append(60 + spread * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own))
    fallen = np.zeros((STUDIES, seeds, 1), bool)
    if falls == "one in five":
        fallen[:, : seeds // 5] = True
    elif falls != "none":
        fallen = draw.random((STUDIES, seeds, 1)) < 1 / 5
    nets[0] -= FALL * fallen
    apart = [np.apply_along_axis(collapsed, 1, net / 100) for net in nets]
    return nets[0] - nets[1], apart[0] | apart[1]


def t_values(values: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over the kept seeds (axis 1) by their standard errors, and the number of these seeds."""
    number = kept.sum(axis=1)
    mean = np.where(kept, values, 0).sum(axis=1) / np.maximum(number, 1)
    squares = np.where(kept, (values - mean[:, None]) ** 2, 0).sum(axis=1)
    error = np.sqrt(squares / np.maximum(number - 1, 1) / np.maximum(number, 1))
    return mean / np.maximum(error, 1e-12), number


def covered(t: np.ndarray, number: np.ndarray, level: float) -> np.ndarray:
    """Whether t intervals contain zero; of fewer than three seeds there is none, which misses nothing."""
    return (np.abs(t) <= stdtrit(np.maximum(number - 1, 1), (1 + level) / 2)) | (number < 3)


def max_t(values: np.ndarray, shrink: float, draw: np.random.Generator) -> bool:
    """Joint coverage with the quantile of the largest of normal seeds' t, correlated as estimated."""
    seeds, targets = values.shape
    estimated = np.corrcoef(values.T)
    correlation = shrink * np.eye(targets) + (1 - shrink) * estimated
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(targets))
    drawn = draw.standard_normal((DRAWS, seeds, targets)) @ root.T
    largest = np.abs(t_values(drawn, np.ones(drawn.shape, bool))[0]).max(axis=1)
    own = np.abs(t_values(values[None], np.ones((1, *values.shape), bool))[0]).max()
    return bool(own <= np.quantile(largest, LEVEL))


def bootstrap(values: np.ndarray, draw: np.random.Generator) -> bool:
    """Joint coverage with the quantile of the largest t of resampled seeds."""
    seeds, _ = values.shape
    drawn = (values - values.mean(axis=0))[draw.integers(seeds, size=(DRAWS, seeds))]
    largest = np.abs(t_values(drawn, np.ones(drawn.shape, bool))[0]).max(axis=1)
    own = np.abs(t_values(values[None], np.ones((1, *values.shape), bool))[0]).max()
    return bool(own <= np.quantile(largest, LEVEL))


def coverages(
    seeds: int, spread: float, correlation: float, targets: int, falls: str
) -> Iterator[tuple[str, float]]:
    """The candidates and how often they contain the truth, per cent."""
    draw = np.random.default_rng(
        [seeds, int(10 * spread), int(10 * correlation), targets, FALLS.index(falls)]
    )
    points, apart = studies(draw, seeds, targets, spread, correlation, falls)
    whole, all_seeds = ~apart.any(axis=2), np.ones(apart.shape[:2], bool)
    means = points.mean(axis=2)
    yield "pooled, all", 100 * covered(*t_values(means, all_seeds), LEVEL).mean()
    # Of what these seeds have as their mean.
    shift = 0.0 if falls == "none" else FALL / 5
    yield "pooled, all, of their mean", 100 * covered(*t_values(means + shift, all_seeds), LEVEL).mean()
    yield "pooled, apart", 100 * covered(*t_values(means, whole), LEVEL).mean()
    yield "Sidak", 100 * covered(*t_values(points, ~apart), LEVEL ** (1 / targets)).all(axis=1).mean()
    few = zip(points[:RESAMPLED_STUDIES], whole, strict=False)
    few = [values[keep] for values, keep in few if keep.sum() >= 3]
    yield "max-t", 100 * np.mean([max_t(values, 0.0, draw) for values in few])
    yield "max-t, shrunk", 100 * np.mean([max_t(values, 0.5, draw) for values in few])
    yield "bootstrap", 100 * np.mean([bootstrap(values, draw) for values in few])


def main() -> None:
    """Print one row per number of seeds, spread and kind of fall: the lowest and highest coverage in it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    header = False
    for seeds, falls, spread in product(SEEDS, FALLS, SPREADS):
        found = [
            dict(coverages(seeds, spread, correlation, targets, falls))
            for correlation, targets in product(CORRELATIONS, TARGETS)
        ]
        if not header:
            print("| seeds | collapsed | SD |", " | ".join(found[0]), "|")
            print("| --- " * (3 + len(found[0])) + "|")
            header = True
        ends = [[each[name] for each in found] for name in found[0]]
        said = [f"{min(values):.1f} to {max(values):.1f}" for values in ends]
        print(f"| {seeds} | {falls} | {spread:g} |", " | ".join(said), "|", flush=True)


if __name__ == "__main__":
    main()
