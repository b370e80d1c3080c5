"""Verdicts on the published conclusions and on further ones; docs/verdicts.md says what they rest on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import pandas as pd

from filterbench.analysis.claims import (
    ALPHA,
    FAILS,
    HOLDS,
    MARGIN,
    MORE,
    MOST_UNITS,
    NO_MORE,
    OPEN,
    POWER,
    SIMILAR,
    STRICT,
    over_range,
)
from filterbench.analysis.comparing import ANNEALING, AUTO_COMPRESS, NET_ADAPT, ONE_SHOT
from filterbench.analysis.curves import LARGEST_GAP, SMALLEST_FACTOR
from filterbench.analysis.equal_training import equal_training_verdicts
from filterbench.analysis.mcnemar import summary as image_by_image
from filterbench.analysis.scopes import Question, Scope, Verdict, scopes
from filterbench.analysis.seeds import FEWEST_UNITS, LEVEL
from filterbench.analysis.wording import listed, short
from filterbench.storage.tables import blind_cells

SEARCHING = (AUTO_COMPRESS, ANNEALING)


def verdicts(table: pd.DataFrame, images: pd.DataFrame | None = None) -> list[Verdict]:
    """The verdict on every conclusion: the published ones, and those further ones that the cells are about.

    Args:
        table: cells of any models and seeds.
        images: how the cells differ image by image (`filterbench.analysis.mcnemar`), if that is known.
    """
    verdicts = [conclusion(table) for conclusion in CONCLUSIONS]
    if images is not None:
        similar = next(each for each in verdicts if each.key == "one-shot-similar")
        similar.notes.extend(image_by_image(images, list(combinations(ONE_SHOT, 2))))
    return [*verdicts, *equal_training_verdicts(table)]


def _strict_params(table: pd.DataFrame) -> Verdict:
    return Verdict(
        "strict-params",
        f"At strict parameter budgets ({STRICT:g} times fewer and more) each searching pruner (AutoCompress, "
        f"SimulatedAnnealing) is more than {MARGIN} points more accurate than each one-shot pruner "
        "(L1Filter, L2Filter, FPGM).",
        scopes(table, Question(MORE, list(product(SEARCHING, ONE_SHOT)), ["params"], STRICT)),
        _blind(table),
    )


def _equal_flops(table: pd.DataFrame) -> Verdict:
    return Verdict(
        "equal-flops",
        f"At equally strict FLOPs budgets ({STRICT:g} times fewer and more) no searching pruner has such an "
        f"advantage, of more than {MARGIN} points, over any one-shot pruner.",
        scopes(table, Question(NO_MORE, list(product(SEARCHING, ONE_SHOT)), ["flops"], STRICT)),
        _blind(table),
    )


def _one_shot_similar(table: pd.DataFrame) -> Verdict:
    pairs = list(combinations(ONE_SHOT, 2))
    return Verdict(
        "one-shot-similar",
        f"L1Filter, L2Filter and FPGM perform very similarly: within {MARGIN} points of each other at every "
        "budget that all of them reach.",
        scopes(table, Question(SIMILAR, pairs, ["params", "flops"], SMALLEST_FACTOR)),
    )


def _net_adapt_compression(table: pd.DataFrame) -> Verdict:
    found = [
        _net_adapt_on(str(model), cells)
        for model, cells in table[table["pruner"] == NET_ADAPT].groupby("model", sort=False)
    ]
    if len(found) > 1:
        verdict = over_range([scope.verdict for scope in found])
        where = {
            said: [scope.name for scope in found if scope.verdict == said] for said in (HOLDS, FAILS, OPEN)
        }
        reason = "; ".join(f"{said} on {listed(models)}" for said, models in where.items() if models)
        names = [scope.name for scope in found]
        found.append(Scope("across models", "models", names, verdict, f"It {reason}."))
    return Verdict(
        "netadapt-compression",
        "NetAdapt, as NNI implements it, does not reach high compression: "
        f"{STRICT:g} times fewer parameters.",
        found,
        [] if found else ["There are no cells of NetAdapt."],
    )


def _net_adapt_on(model: str, cells: pd.DataFrame) -> Scope:
    """How far NetAdapt comes on a model, and whether more was asked for."""
    feasible = cells[cells["infeasible"].isna()]
    refused = cells[cells["infeasible"].notna()]
    seeds = [str(seed) for seed in cells["seed"].unique()]
    if feasible.empty:
        furthest, said = 1.0, "no asked sparsity was reached"
    else:
        furthest = float((feasible["params_original"] / feasible["params_speedup"]).astype(float).max())
        said = f"its furthest cell has {furthest:.2f} times fewer parameters"
    everywhere = set(refused["seed"]) == set(cells["seed"])
    if furthest >= STRICT:
        verdict, why = FAILS, "which is high"
    elif everywhere:
        verdict, why = HOLDS, "and with every seed a higher sparsity that was asked for is infeasible"
    else:
        verdict, why = OPEN, "and nothing says that more was tried with every seed and could not be reached"
    return Scope(model, "seeds", seeds, verdict, f"On {model} {said}, {why}.")


def _blind(table: pd.DataFrame) -> list[str]:
    """The searching pruners' cells whose search had nothing to choose by."""
    return [
        f"{short(str(pruner))} on {model} made a choice blindly, with no candidate above chance, at "
        f"{listed(f'{sparsity:g}' for sparsity in sorted(cells['sparsity'].unique()))}: its search had "
        "nothing to choose by there."
        for (model, pruner), cells in blind_cells(table).groupby(["model", "pruner"], sort=False)
        if pruner in SEARCHING
    ]


CONCLUSIONS: tuple[Callable[[pd.DataFrame], Verdict], ...] = (
    _strict_params,
    _equal_flops,
    _one_shot_similar,
    _net_adapt_compression,
)


def verdicts_document(source: str, table: pd.DataFrame, images: pd.DataFrame | None = None) -> dict[str, Any]:
    """`verdicts.json`.

    Args:
        source: what the cells are.
        table: as for `verdicts`.
        images: as there.
    """
    return {
        "source": source,
        "definitions": definitions(),
        "verdicts": [verdict.document() for verdict in verdicts(table, images)],
    }


def definitions() -> dict[str, Any]:
    """What the words of the verdicts mean, for `verdicts.json`."""
    return {
        "smallest_factor": SMALLEST_FACTOR,
        "strict_factor": STRICT,
        "largest_gap": LARGEST_GAP,
        "margin_points": MARGIN,
        "interval_level": LEVEL,
        "test_level": ALPHA,
        "power": POWER,
        "fewest_units": FEWEST_UNITS,
        "most_units": MOST_UNITS,
    }
