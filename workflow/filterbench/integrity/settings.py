"""Settings of documents that are not those that the study asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from filterbench.domain.targets import TRAJECTORY_NAME
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.orchestration.plan import Plan
from filterbench.pruners.registry import PRUNERS
from filterbench.study.cells import (
    Config,
    budget_settings,
    pruner_arguments,
    scratch_settings,
    search_settings,
    training_settings,
)
from filterbench.study.paths import wildcards_at


def other_settings(plan: Plan, folder: Path, documents: Documents) -> Iterator[Finding]:
    """Settings in a folder's documents that the study does not ask for, and those that it asks for in vain.

    Args:
        plan: of the study.
        folder: of a baseline, a search path or a cell; nothing is said of a model or pruner that the study
            no longer names.
        documents: the folder's, by name.
    """
    config, place = plan.config, wildcards_at(folder)
    model, pruner = place.get("model", ""), place.get("pruner", "")
    if model not in config["models"] or (pruner and pruner not in config["pruners"]):
        return
    for name, document in documents.items():
        path = folder / f"{name}.json"
        if "training" in document:
            asked, chosen = _training_of(config, name, document, model, pruner)
            found = document["training"]["settings"]
            yield from _differences(path, "training.settings", found, asked, chosen)
        elif name in ("prune", TRAJECTORY_NAME) and "infeasible" not in document:
            # Some arguments of a matched control come from the searched cell.
            matched = PRUNERS[pruner].matched
            arguments = pruner_arguments(config, pruner, model)
            yield from _differences(path, "arguments", document["arguments"], arguments, matched)
            if "search" in document:
                asked = search_settings(config, pruner)
                yield from _differences(path, "search", document["search"], asked)


def _training_of(
    config: Config, name: str, document: Document, model: str, pruner: str
) -> tuple[Config, Collection[str]]:
    """The settings that the study asks of a training, and which of them its job chooses."""
    kind, _, budget = name.partition("-")
    if name == "baseline":
        own = {"epochs"} if "own_weights" in document else set()
        return training_settings(config, "baseline", model, pruner), own
    if kind == "scratch":
        counted = {"epochs"} if budget == "total" else set()
        return scratch_settings(config, budget, model, pruner), counted
    tuned = set(config["finetune"].get("tuning", {}))
    if kind == "finetune" and budget:
        return budget_settings(config, int(budget), model, pruner), tuned
    settings = training_settings(config, "finetune", model, pruner)
    return settings, tuned | {"epochs"} if name == "equal" else tuned


def _differences(
    path: Path, at: str, found: Document, asked: Document, left_out: Collection[str] = ()
) -> Iterator[Finding]:
    """Where the settings that a document has at a place differ from those that are asked for."""
    for key in {**asked, **found}:
        said, wanted = found.get(key), asked.get(key)
        # What is off can be left out.
        if key not in left_out and said != wanted and (said or wanted):
            there = "not there" if said is None else said
            asks = "does not ask for it" if wanted is None else f"asks for {wanted}"
            yield Finding(path, f"$.{at}.{key}", f"{there}, but the study {asks}")
