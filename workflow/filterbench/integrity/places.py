"""Documents that lie where their own cell does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filterbench.documents.parts import IMAGE_SIZE
from filterbench.domain.targets import parse_target
from filterbench.integrity.findings import Document, Finding
from filterbench.orchestration.plan import Plan
from filterbench.study.cells import sparse_training, sparse_trainings
from filterbench.study.paths import wildcards_at


def misplaced(plan: Plan, study: str, found: Mapping[Path, Document]) -> Iterator[Finding]:
    """What documents say of their cell, where their path or the study says otherwise.

    Args:
        plan: of the study.
        study: its name, or that of its twin.
        found: the documents by their paths.
    """
    for path, document in found.items():
        if "cell" not in document:
            if "seed" in wildcards_at(path.parent) and path.name != "result.json":
                yield Finding(path, "$.cell", "missing; only result.json does without it")
            continue
        said = document["cell"]
        for key, value in _expected(plan, study, path).items():
            if said.get(key) != value:
                reason = f"{said.get(key)!r}, but it lies where this is {value!r}"
                yield Finding(path, f"$.cell.{key}", reason)


def _expected(plan: Plan, study: str, path: Path) -> dict[str, Any]:
    """What a path and the study say of the document that lies there."""
    place = wildcards_at(path.parent)
    expected = {"study": study, "dataset": plan.config["dataset"]["name"], "protocol": plan.protocols[study]}
    if "model" in place:
        expected["model"] = place["model"]
        if place["model"] in plan.config["models"]:
            model = plan.config["models"][place["model"]]
            expected["width"] = model["width"]
            if "normalisation" in model:
                expected["normalisation"] = model["normalisation"]
        if plan.image_size != IMAGE_SIZE:
            expected["image_size"] = plan.image_size
    if "seed" in place:
        expected["seed"] = int(place["seed"])
    if "target" in place:
        expected |= {"pruner": place["pruner"], **parse_target(place["target"]).document()}
    return expected | _sparse(plan, place)


def _sparse(plan: Plan, place: Mapping[str, str]) -> dict[str, Any]:
    """What the study says of the sparse training of a folder, if it names its model and pruner."""
    model, pruner = place.get("model", ""), place.get("pruner", "")
    if model not in plan.config["models"]:
        return {}
    if "sparse" in place:
        asked = sparse_trainings(plan.config, model).get(place["sparse"])
        return {"sparse_training": asked} if asked else {}
    if pruner in plan.config["pruners"]:
        return {"sparse_training": sparse_training(plan.config, pruner, model) or None}
    return {}
