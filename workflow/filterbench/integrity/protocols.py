"""Settings by which results from several machines compare, and where they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from filterbench.documents import parse
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.integrity.findings import Document
from filterbench.own_code.registering import base_of
from filterbench.pruners.registry import PRUNERS, control_of
from filterbench.storage.files import known_digest
from filterbench.study.cells import (
    Config,
    pruner_arguments,
    round_channels,
    search_settings,
    sparse_training,
    training_settings,
)
from filterbench.study.paths import wildcards_at

# By document, such as `resnet18/L1FilterPruner/prune.json`, its settings by key, for all seeds and targets.
Protocol = dict[str, dict[str, Any]]
# Numbers of images in which seeds differ, and one that follows from the images.
OF_A_SEED = ("train_part", "chance")
# Trainings whose length follows from other trainings.
COUNTED = ("equal", "scratch-total")
# Of a study's dataset: where its files lie, and what is allowed of its images.
NO_SETTINGS = ("folder", "max_copies")


def protocol_of(results: Path, variants: Mapping[str, str]) -> Protocol:
    """The settings of all trainings and searches of a study, as its documents have them.

    Args:
        results: the study's folder, which `validate` has found sound.
        variants: the pruner of each variant, by the variant's name.
    """
    found: Protocol = {}
    for path in sorted(results.glob("*/seed-*/**/*.json")):
        place = wildcards_at(path.parent)
        model, pruner = place.get("model", ""), place.get("pruner", place.get("sparse", ""))
        algorithm = variants.get(pruner, pruner)
        settings = dict(_settings(path.stem, parse(path), algorithm))
        if algorithm != pruner:
            settings["variant_of"] = algorithm
        if settings:
            found.setdefault("/".join(filter(None, (model, pruner, path.name))), settings)
    return found


def unlike_study(configured: Config, own: Config, folder: str) -> list[str]:
    """The settings that a folder's study has and the configured one does not ask for, a line for each.

    A model or pruner that the configured study does not name has the settings that it asks of all others;
    only how such a pruner prunes is its own.

    Args:
        configured: the checked study of this run.
        own: the folder's study, which `validate` has found sound.
        folder: as the user names it.
    """
    shared = configured["pruners"].keys() & own["pruners"].keys()
    studies = {f"the configured study {configured['study']}": configured, folder: own}
    return differences({place: _asked(study, own, shared) for place, study in studies.items()})


def differences(protocols: Mapping[str, Protocol]) -> list[str]:
    """The settings that have other values in one folder than in another, a line for each.

    What only one folder has differs from nothing.

    Args:
        protocols: by folder, as `protocol_of` gives them.
    """
    first: dict[str, str] = {}
    found = []
    for folder, protocol in protocols.items():
        for name, own in protocol.items():
            other = first.setdefault(name, folder)
            there = protocols[other][name]
            found += [
                f"{name}: {key} is {there.get(key)} in {other}, but {own.get(key)} in {folder}"
                for key in {**there, **own}
                if there.get(key) != own.get(key)
            ]
    return found


def _settings(name: str, document: Document, pruner: str) -> Iterator[tuple[str, Any]]:
    """The settings of a document; those that are off by default have their default where they are absent."""
    if name == "baseline":
        cell = document["cell"]
        yield from ((key, cell[key]) for key in ("dataset", "protocol", "width"))
        yield "image_size", cell.get("image_size", IMAGE_SIZE)
        yield "normalisation", cell.get("normalisation")
        yield from ((f"images.{key}", n) for key, n in document["images"].items() if key not in OF_A_SEED)
        yield "SHA-256 of the data file", document["provenance"]["inputs"]["images"]
        yield "SHA-256 of own weights", document.get("own_weights", {}).get("digest")
    if "training" in document:
        yield from _training(name, document)
    if name == "prune" and "infeasible" not in document:
        yield "sparse_training", document["cell"].get("sparse_training")
        yield "round_channels", document.get("round_channels", 1)
        matched = _matched(pruner)
        arguments = {key: value for key, value in document["arguments"].items() if key not in matched}
        for part, values in (("arguments", arguments), ("search", document.get("search", {}))):
            yield from ((f"{part}.{key}", value) for key, value in values.items())


def _training(name: str, document: Document) -> Iterator[tuple[str, Any]]:
    """The settings of a training, with the combinations that were tried in place of the chosen one."""
    tried = document.get("tuning", [])
    chosen = {key for key in ("learning_rate", "epochs") if len({trial[key] for trial in tried}) > 1}
    yield "tuning", [{key: trial[key] for key in sorted(chosen)} for trial in tried if chosen]
    left_out = {*chosen, *(["epochs"] if name in COUNTED else [])}
    for key, value in document["training"]["settings"].items():
        if key not in left_out:
            yield f"training.settings.{key}", value


def _asked(study: Config, of: Config, shared: Collection[str]) -> Protocol:
    """The settings that a study asks for, of another one's models and pruners.

    Args:
        study: the one that asks.
        of: names the models and pruners.
        shared: the pruners that both name.
    """
    found: Protocol = {"study": dict(_of_all(study))}
    for model in of["models"]:
        if model in study["models"]:
            found[model] = dict(_of_model(study["models"][model]))
        found[f"{model}/baseline.json"] = _prefixed(
            "training.settings", training_settings(study, "baseline", model)
        )
        for pruner in of["pruners"]:
            finetune = training_settings(study, "finetune", model, pruner)
            found[f"{model}/{pruner}/finetune.json"] = _prefixed("training.settings", finetune)
            if pruner in shared:
                found[f"{model}/{pruner}/prune.json"] = dict(_of_pruner(study, model, pruner))
    return found


def _of_all(study: Config) -> Iterator[tuple[str, Any]]:
    dataset = {key: value for key, value in study["dataset"].items() if key not in NO_SETTINGS}
    yield from _prefixed("dataset", {"image_size": IMAGE_SIZE, **dataset}).items()
    yield "protocol", study["protocol"]
    yield "round_channels", study.get("round_channels", 1)
    yield "finetune.tuning", study["finetune"].get("tuning")
    yield from _prefixed("search", study["search"]).items()


def _of_model(model: Config) -> Iterator[tuple[str, Any]]:
    yield "width", model["width"]
    yield "normalisation", model.get("normalisation")
    weights = model.get("weights")
    yield "SHA-256 of own weights", known_digest(Path(weights)) if weights else None


def _of_pruner(study: Config, model: str, pruner: str) -> Iterator[tuple[str, Any]]:
    yield "variant_of", study["pruners"][pruner].get("variant_of")
    yield "sparse_training", sparse_training(study, pruner, model) or None
    yield "round_channels", round_channels(study, pruner)
    yield from _prefixed("arguments", pruner_arguments(study, pruner, model)).items()
    yield from _prefixed("search", search_settings(study, pruner, model)).items()


def _prefixed(part: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{part}.{key}": value for key, value in settings.items()}


def _matched(pruner: str) -> Mapping[str, object]:
    """The arguments of a control that come from another cell."""
    listed = PRUNERS.get(base_of(pruner))
    control = control_of(pruner)
    entry = listed or (control[1] if control else None)
    return entry.matched if entry else {}
