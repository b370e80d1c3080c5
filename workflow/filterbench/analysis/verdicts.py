"""Verdicts on the published conclusions and on further ones; docs/verdicts.md defines their terms."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any, TypedDict

import pandas as pd

from filterbench.analysis.blind import blind_notes
from filterbench.analysis.collapses import SMALLEST_FALL, Z_OUTLIER
from filterbench.analysis.comparing import ANNEALING, AUTO_COMPRESS, NET_ADAPT, ONE_SHOT
from filterbench.analysis.compression import net_adapt_compression
from filterbench.analysis.curves import LARGEST_GAP, SMALLEST_FACTOR
from filterbench.analysis.equal_training import equal_training_verdicts
from filterbench.analysis.hypotheses import ALPHA, MARGIN, MAX_UNITS, MORE, NO_MORE, POWER, SIMILAR, STRICT
from filterbench.analysis.scopes import Comparisons, Verdict, scopes
from filterbench.analysis.seeds import CONFIDENCE, MIN_UNITS

SEARCHING = (AUTO_COMPRESS, ANNEALING)


class VerdictsDocument(TypedDict):
    """`verdicts.json`."""

    source: str
    definitions: dict[str, float]
    verdicts: list[dict[str, Any]]


def verdicts(table: pd.DataFrame) -> list[Verdict]:
    """The verdicts of cells of any models and seeds on the published conclusions and on further ones.

    A conclusion about a pruner without any cells is left out.
    """
    there, found = set(table["pruner"]), []
    if {*SEARCHING, *ONE_SHOT} <= there:
        found += _on_searching(table)
    if set(ONE_SHOT) <= there:
        found.append(_on_similarity(table))
    if NET_ADAPT in there:
        found.append(net_adapt_compression(table))
    return [*found, *equal_training_verdicts(table)]


def _on_searching(table: pd.DataFrame) -> list[Verdict]:
    searching, blind = list(product(SEARCHING, ONE_SHOT)), blind_notes(table, SEARCHING)
    return [
        Verdict(
            "strict-params",
            f"At strict parameter budgets ({STRICT:g} times fewer and more) each searching pruner "
            f"(AutoCompress, SimulatedAnnealing) is more than {MARGIN} points more accurate than each "
            "one-shot pruner (L1Filter, L2Filter, FPGM), in the mean over these budgets.",
            scopes(table, Comparisons(MORE, searching, ["params"], STRICT)),
            blind,
        ),
        Verdict(
            "equal-flops",
            f"At equally strict FLOPs budgets ({STRICT:g} times fewer and more) no searching pruner has such "
            f"an advantage, of more than {MARGIN} points in the mean over these budgets, over any one-shot "
            "pruner.",
            scopes(table, Comparisons(NO_MORE, searching, ["flops"], STRICT)),
            blind,
        ),
    ]


def _on_similarity(table: pd.DataFrame) -> Verdict:
    similar = list(combinations(ONE_SHOT, 2))
    return Verdict(
        "one-shot-similar",
        f"L1Filter, L2Filter and FPGM perform very similarly: within {MARGIN} points of each other at "
        "every budget that both of a pair reach.",
        scopes(table, Comparisons(SIMILAR, similar, ["params", "flops"], SMALLEST_FACTOR)),
    )


def verdicts_document(source: str, table: pd.DataFrame) -> VerdictsDocument:
    """`verdicts.json` of a table of cells; `source` says what the cells are."""
    found = [verdict.document() for verdict in verdicts(table)]
    return {"source": source, "definitions": definitions(), "verdicts": found}


def definitions() -> dict[str, float]:
    """The numbers that define the words of the verdicts, for `verdicts.json`."""
    return {
        "smallest_factor": SMALLEST_FACTOR,
        "strict_factor": STRICT,
        "largest_gap": LARGEST_GAP,
        "margin_points": MARGIN,
        "interval_level": CONFIDENCE,
        "test_level": ALPHA,
        "power": POWER,
        "fewest_units": MIN_UNITS,
        "most_units": MAX_UNITS,
        "collapse_points": 100 * SMALLEST_FALL,
        "collapse_z": Z_OUTLIER,
    }
