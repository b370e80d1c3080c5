"""How often a ranking tells equal pruners apart, and how far its intervals reach; for docs/ranking.md.

    PYTHONPATH=workflow python benchmarks/ranking_errors.py

A study has 14 pruners of the same true accuracy on three models with three targets. The accuracies of a
model and a seed share a deviation (standard deviation 1 point), and each pruner adds one of its own (0.7
points). A net that collapses is 30 points lower.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product

import numpy as np

from filterbench.analysis.blocks import all_pairs
from filterbench.analysis.collapses import collapsed

STUDIES = 300
PRUNERS, MODELS, TARGETS = 14, 3, 3
COMMON, OWN, FALL = 1.0, 0.7, 30.0
SEEDS = (3, 5)
# Student's t with as many degrees of freedom, scaled to a variance of 1.
HEAVY = 3


@dataclass(frozen=True)
class Kind:
    """A kind of studies.

    Attributes:
        name: in the table.
        ratio: of the largest to the smallest standard deviation of a pruner's own part.
        heavy: whether that part has heavy tails.
        falls: probability that a net collapses.
    """

    name: str
    ratio: float = 1.0
    heavy: bool = False
    falls: float = 0.0


KINDS = (
    Kind("spreads of pruners equal"),
    Kind("unequal by up to ten times", ratio=10),
    Kind("heavy tails as well", ratio=10, heavy=True),
    Kind("one net in 20 collapses", falls=1 / 20),
    Kind("one net in 10", falls=1 / 10),
)


def study(draw: np.random.Generator, seeds: int, kind: Kind) -> np.ndarray:
    """Each pruner's mean accuracy over targets in percent, of shape (pruners, models, seeds).

    NaN where a net counts as collapsed, as in `filterbench.analysis.ranking`.
    """
    shape = (PRUNERS, MODELS, seeds)
    own = (
        draw.standard_t(HEAVY, shape) / np.sqrt(HEAVY / (HEAVY - 2))
        if kind.heavy
        else draw.standard_normal(shape)
    )
    spread = OWN * kind.ratio ** draw.uniform(-0.5, 0.5, (PRUNERS, 1, 1))
    accuracies = 80 + COMMON * draw.standard_normal((1, MODELS, seeds)) + spread * own
    nets = accuracies[:, :, None] - FALL * (draw.random((PRUNERS, MODELS, TARGETS, seeds)) < kind.falls)
    apart = np.apply_along_axis(lambda cell: collapsed((cell / 100).tolist()), 3, nets).any(axis=2)
    return np.where(apart, np.nan, nets.mean(axis=2))


def measured(seeds: int, kind: Kind) -> tuple[float, float, float]:
    """How often studies tell a pair apart, how many pairs lack an interval, and half an interval (median).

    Returns:
        Two shares from 0 to 1, and points.
    """
    draw = np.random.default_rng([seeds, KINDS.index(kind)])
    wrong = 0
    reaches: list[float] = []
    for _ in range(STUDIES):
        found = all_pairs(study(draw, seeds, kind)).values()
        wrong += any(pair.told_apart for pair in found)
        reaches += [(pair.high - pair.low) / 2 for pair in found]
    missing = np.isnan(reaches)
    reach = float(np.median(np.array(reaches)[~missing])) if not missing.all() else np.nan
    return wrong / STUDIES, float(missing.mean()), reach


def main() -> None:
    """Print one row per number of seeds and kind."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("| seeds | kind | two pruners told apart | pairs without interval | half an interval (points) |")
    print("| --- | --- | --- | --- | --- |")
    for seeds, kind in product(SEEDS, KINDS):
        wrong, missing, reach = measured(seeds, kind)
        print(
            f"| {seeds} | {kind.name} | {100 * wrong:.0f} % | {100 * missing:.0f} % | {reach:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
