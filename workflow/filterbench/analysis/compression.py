"""How far NetAdapt comes, and which NetAdapt that was."""

from __future__ import annotations

import pandas as pd

from filterbench.analysis.comparing import ACROSS_MODELS, NET_ADAPT, WITHIN_MODEL
from filterbench.analysis.hypotheses import FAILS, HOLDS, NOT_ASKED, STRICT
from filterbench.analysis.scopes import Scope, Verdict
from filterbench.analysis.seeds import MIN_UNITS
from filterbench.analysis.wording import listed


def net_adapt_compression(table: pd.DataFrame) -> Verdict:
    """Whether NetAdapt does not reach high compression; the cells name its changed arguments."""
    own = table[table["pruner"] == NET_ADAPT]
    found = [_on(str(model), cells) for model, cells in own.groupby("model", sort=False)]
    if len(found) >= MIN_UNITS:
        where = {
            word: [scope.name for scope in found if scope.verdict == word]
            for word in (HOLDS, FAILS, NOT_ASKED)
        }
        verdict = FAILS if where[FAILS] else NOT_ASKED if where[NOT_ASKED] else HOLDS
        said = "; ".join(f"{word} on {listed(models)}" for word, models in where.items() if models)
        names, reason = [scope.name for scope in found], f"Judged model by model: {said}."
        found.append(Scope("across models", ACROSS_MODELS, names, verdict, reason))
    return Verdict(
        "netadapt-compression",
        f"NetAdapt{_which(own)} does not reach high compression: {STRICT:g} times fewer parameters.",
        found,
        [] if found else ["There are no cells of NetAdapt."],
    )


def _which(cells: pd.DataFrame) -> str:
    """Whether all arguments are NNI's, or which are not; empty where no feasible cell says."""
    made = cells[cells["infeasible"].isna()]
    if "arguments_changed" not in made or made.empty:
        return ""
    changed = list(made["arguments_changed"].dropna().unique())
    return f", with {listed(changed)} in place of the defaults," if changed else ", as NNI implements it,"


def _on(model: str, cells: pd.DataFrame) -> Scope:
    """How far NetAdapt comes on a model, and whether a higher sparsity was tried."""
    feasible = cells[cells["infeasible"].isna()]
    furthest, said = 1.0, "no asked sparsity was reached"
    if not feasible.empty:
        furthest = float((feasible["params_original"] / feasible["params_compact"]).astype(float).max())
        said = f"its furthest cell has {furthest:.2f} times fewer parameters"
    if furthest >= STRICT:
        verdict, why = FAILS, "which is high"
    elif set(cells.loc[cells["infeasible"].notna(), "seed"]) == set(cells["seed"]):
        verdict, why = HOLDS, "and with every seed a higher sparsity that was asked for is infeasible"
    else:
        why = "and nothing says that more was tried with every seed and could not be reached"
        verdict = NOT_ASKED
    seeds = [str(seed) for seed in cells["seed"].unique()]
    return Scope(model, WITHIN_MODEL, seeds, verdict, f"On {model} {said}, {why}.")
