"""Settings of documents that are not those that the study asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product
from pathlib import Path

from filterbench.domain.spending import REFERENCE
from filterbench.domain.targets import TRAJECTORY_NAME, target_of
from filterbench.integrity.findings import Document, Documents, Finding
from filterbench.jobs.job import Job
from filterbench.making.spending import spending_of
from filterbench.orchestration.plan import Plan
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.study.cells import (
    Config,
    budget_settings,
    pruner_arguments,
    references,
    round_channels,
    scratch_settings,
    search_settings,
    sparse_settings,
    training_settings,
)
from filterbench.study.paths import wildcards_at


def other_settings(plan: Plan, folder: Path, documents: Documents) -> Iterator[Finding]:
    """Settings in a folder's documents that the study does not ask for, and those that it asks for in vain.

    Args:
        plan: of the study.
        folder: of a baseline, a sparse training, a search path or a cell; nothing is said of a model or
            pruner that the study no longer names.
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
                asked = search_settings(config, pruner, model)
                yield from _differences(path, "search", document["search"], asked)
            if name == "prune":
                found = {"round_channels": document.get("round_channels", 1)}
                yield from _differences(path, "", found, {"round_channels": round_channels(config, pruner)})
        elif name in (asked := _on_request(plan)) and "settings" in document:
            yield from _differences(path, "settings", document["settings"], asked[name])
        if "copies" in document and document["copies"] > plan.max_copies * document["images"]["test"]:
            allowed = f"{plan.max_copies:.3g} of the test images (dataset.max_copies)"
            yield Finding(path, "$.copies", f"{document['copies']}, but the study allows {allowed}")
        tunable = name == "baseline-finetune" or name.partition("-")[0] in ("finetune", "equal")
        if tunable and "training" in document:
            yield from _tuning(path, document, config)
        if "equal_training" in document:
            yield from _spending(path, document, config)


def _training_of(
    config: Config, name: str, document: Document, model: str, pruner: str
) -> tuple[Config, Collection[str]]:
    """The settings that the study asks of a training, and which of them its job chooses."""
    kind, _, budget = name.partition("-")
    if name == "sparse":
        return sparse_settings(config, model, document["cell"].get("sparse_training", {})), ()
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


def _on_request(plan: Plan) -> dict[str, Config]:
    """The settings of documents that are made on request, by their names."""
    return {
        "latency": plan.latency,
        "latency_table": plan.latency_table,
        "int8": plan.int8,
        "sensitivity": plan.sensitivity,
    }


def _tuning(path: Path, document: Document, config: Config) -> Iterator[Finding]:
    """Trials that are not the combinations of settings that the study tries."""
    tuned = config["finetune"].get("tuning", {})
    tried = document.get("tuning", [document["training"]["settings"]])
    own = document["training"]["settings"]
    asked = [dict(zip(tuned, values, strict=True)) for values in product(*tuned.values())]
    counted = {"epochs"} if path.stem == "equal" else set()
    found = [{key: trial[key] for key in tuned if key not in counted} for trial in tried]
    if found != [{key: value for key, value in each.items() if key not in counted} for each in asked]:
        yield Finding(path, "$.tuning", f"{found}, but the study tries {asked}")
    for index, trial in enumerate(document.get("tuning", [])):
        for key in trial.keys() & own.keys() - tuned.keys():
            if trial[key] != own[key]:
                reason = f"{trial[key]}, but {own[key]} in the training, and the study does not tune it"
                yield Finding(path, f"$.tuning[{index}].{key}", reason)


def _spending(path: Path, document: Document, config: Config) -> Iterator[Finding]:
    """Images of an equal training that are not those that the study and the cells' documents give."""
    cell = document["cell"]
    target = target_of(cell)
    named = references(config, cell["model"], target)
    prunes = {
        f"{REFERENCE}{name}": path.parents[2] / name / path.parent.name / "prune.json" for name in named
    }
    inputs = {
        "prune": path.with_name("prune.json"),
        **{name: file for name, file in prunes.items() if file.exists()},
    }
    finetune = {
        name: training_settings(config, "finetune", cell["model"], name) for name in {cell["pruner"], *named}
    }
    params = {"cell": cell, "equal": config.get("equal_training", {}), "finetune": finetune}
    try:
        spending = spending_of(Job(inputs, {}, params), document["images"]["train"])
    except (InputError, InfeasibleError):
        # What is wrong with those documents is told where they are checked.
        return
    expected = spending.document(document["training"]["settings"])
    for key, number in document["equal_training"].items():
        if number != expected[key]:
            yield Finding(path, f"$.equal_training.{key}", f"{number}, but it comes to {expected[key]}")


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
            place = ".".join(filter(None, ("$", at, key)))
            yield Finding(path, place, f"{there}, but the study {asks}")
