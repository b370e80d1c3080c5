"""Verdicts on the published study's conclusions; docs/verdicts.md says what they rest on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pandas as pd

from filterbench.analysis.curves import Difference, difference
from filterbench.analysis.seeds import LEVEL

SEARCHING = ("AutoCompressPruner", "SimulatedAnnealingPruner")
ONE_SHOT = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner")
NET_ADAPT = "NetAdaptPruner"

# Compression factors at which Blalock et al. 2020 (arXiv:2003.03033, section 6) ask papers to report.
FACTORS = (2, 4, 8, 16, 32)
STRICT_FACTORS = (8, 16, 32)
# Percentage points. Five ResNet-110 runs on CIFAR-10 have a standard deviation of 0.16 points (He et al.
# 2016, arXiv:1512.03385, table 6): two runs of the same thing differ by less than 0.45 in 19 of 20 cases.
SIMILAR = 0.5

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """What the cells say about one conclusion.

    Attributes:
        key: short name of the conclusion.
        statement: the conclusion.
        verdict: `holds`, `does not hold` or `cannot tell`.
        reason: why, with the numbers that decide.
        numbers: the compared quantities by name.
    """

    key: str
    statement: str
    verdict: str
    reason: str
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The verdict as it stands in `verdicts.json`."""
        return {
            "key": self.key,
            "statement": self.statement,
            "verdict": self.verdict,
            "reason": self.reason,
            "numbers": self.numbers,
        }


def verdicts(table: pd.DataFrame) -> list[Verdict]:
    """The verdict on every conclusion, from the cells of any models and seeds."""
    return [conclusion(table) for conclusion in CONCLUSIONS]


def _strict_params(table: pd.DataFrame) -> Verdict:
    found = difference(table, SEARCHING, ONE_SHOT, "params", STRICT_FACTORS)
    if found.low > 0:
        verdict = HOLDS
    elif found.high <= 0:
        verdict = FAILS
    else:
        verdict = OPEN
    return Verdict(
        "strict-params",
        "At strict parameter budgets the searching pruners (AutoCompress, SimulatedAnnealing) are more "
        "accurate than the one-shot ones (L1Filter, L2Filter, FPGM).",
        verdict,
        f"Searching minus one-shot at {_times(STRICT_FACTORS)} fewer parameters: {_said(found)}.",
        {
            "searching - one-shot": _numbers(found),
            **_each(table, "params", STRICT_FACTORS),
        },
    )


def _equal_flops(table: pd.DataFrame) -> Verdict:
    found = difference(table, SEARCHING, ONE_SHOT, "flops", FACTORS)
    if found.high < SIMILAR:
        verdict = HOLDS
    elif found.low > 0:
        verdict = FAILS
    else:
        verdict = OPEN
    return Verdict(
        "equal-flops",
        "At equal FLOPs the searching pruners have no such advantage.",
        verdict,
        f"Searching minus one-shot at {_times(FACTORS)} fewer FLOPs: {_said(found)}; an advantage "
        f"begins at {SIMILAR} points.",
        {"searching - one-shot": _numbers(found), **_each(table, "flops", FACTORS)},
    )


def _one_shot_similar(table: pd.DataFrame) -> Verdict:
    found = {
        f"{_short(one)} - {_short(other)}, {cost}": difference(table, [one], [other], cost, FACTORS)
        for cost in ("params", "flops")
        for one, other in combinations(ONE_SHOT, 2)
    }
    values = found.values()
    if all(value.low > -SIMILAR and value.high < SIMILAR for value in values):
        verdict = HOLDS
    elif any(value.low > SIMILAR or value.high < -SIMILAR for value in values):
        verdict = FAILS
    else:
        verdict = OPEN
    widest = max(
        found, key=lambda name: max(abs(found[name].low), abs(found[name].high), abs(found[name].mean))
    )
    return Verdict(
        "one-shot-similar",
        "L1Filter, L2Filter and FPGM perform very similarly.",
        verdict,
        f"Similar is an interval within {SIMILAR} points of zero; the widest of {len(found)}: "
        f"{widest}: {_said(found[widest])}.",
        {name: _numbers(value) for name, value in found.items()},
    )


def _net_adapt_compression(table: pd.DataFrame) -> Verdict:
    high = STRICT_FACTORS[0]
    reached, refused = {}, []
    for model, cells in table[table["pruner"] == NET_ADAPT].groupby("model", sort=False):
        feasible = cells[cells["infeasible"].isna()]
        reached[str(model)] = float((feasible["params_original"] / feasible["params_speedup"]).max())
        if cells["infeasible"].notna().any():
            refused.append(model)
    if not reached:
        verdict, why = OPEN, "it has no cells"
    elif max(reached.values()) >= high:
        verdict, why = FAILS, "it reaches that on at least one model"
    elif len(refused) == len(reached):
        verdict, why = HOLDS, "on every model a higher sparsity that was asked for is infeasible"
    else:
        verdict, why = OPEN, "the cells end there, and none says that more was tried and could not be reached"
    furthest = ", ".join(f"{model} {factor:.2f}" for model, factor in reached.items())
    return Verdict(
        "netadapt-compression",
        "NetAdapt does not reach high compression.",
        verdict,
        f"High is {high} times fewer parameters or more. NetAdapt's furthest: {furthest or 'none'}; {why}.",
        {"largest params factor": {"pairs": reached, "mean": None, "low": None, "high": None}},
    )


CONCLUSIONS: tuple[Callable[[pd.DataFrame], Verdict], ...] = (
    _strict_params,
    _equal_flops,
    _one_shot_similar,
    _net_adapt_compression,
)


def definitions() -> dict[str, Any]:
    """What the words of the verdicts mean, for `verdicts.json`."""
    return {
        "factors": list(FACTORS),
        "strict_factors": list(STRICT_FACTORS),
        "similar_points": SIMILAR,
        "interval_level": LEVEL,
    }


def _each(table: pd.DataFrame, cost: str, factors: Sequence[float]) -> dict[str, dict[str, Any]]:
    return {
        f"{_short(pruner)} - one-shot": _numbers(difference(table, [pruner], ONE_SHOT, cost, factors))
        for pruner in SEARCHING
    }


def _numbers(found: Difference) -> dict[str, Any]:
    """A difference for a JSON document, which has no NaN."""

    def plain(value: float) -> float | None:
        return None if math.isnan(value) else round(value, 4)

    return {
        "pairs": {name: round(value, 4) for name, value in found.pairs.items()},
        "mean": plain(found.mean),
        "low": plain(found.low),
        "high": plain(found.high),
    }


def _said(found: Difference) -> str:
    if not found.pairs:
        return "no model and seed has cells of all these pruners there"
    pairs = f"{len(found.pairs)} pair{'s' if len(found.pairs) > 1 else ''} of a model and seed"
    if math.isnan(found.low):
        return f"{found.mean:+.2f} points from one pair of a model and seed, which has no interval"
    return f"{found.mean:+.2f} points, 95 % interval {found.low:+.2f} to {found.high:+.2f}, {pairs}"


def _times(factors: Sequence[float]) -> str:
    return f"{', '.join(map(str, factors[:-1]))} and {factors[-1]} times"


def _short(pruner: str) -> str:
    return pruner.removesuffix("Pruner")
