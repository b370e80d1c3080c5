"""A study: the checked configuration and the cells that it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filterbench.data.registry import DATASETS
from filterbench.documents.schemas import Fault, faults_against, schema_faults
from filterbench.documents.targets import SPARSITY, Target
from filterbench.models.registry import MODELS
from filterbench.pruners.arguments import contradictions, schema_of
from filterbench.pruners.registry import PRUNERS, SEARCHED, arguments_of
from filterbench.storage.errors import InputError

Config = dict[str, Any]
RESERVED = ("published", "imported")
PROTOCOLS = ("validation", "test")


@dataclass(frozen=True)
class Cell:
    """One (model, pruner, target, seed) of a study.

    Attributes:
        target: as in paths: a sparsity, or a budget such as `flops-0.5`.
    """

    model: str
    pruner: str
    target: str
    seed: int


def check_config(config: Config, source: str) -> None:
    """Refuse a configuration that the workflow could not run.

    Args:
        config: what the YAML file holds.
        source: name of the file, for the error.

    Raises:
        InputError: one line that names the file, each faulty key and what is allowed.
    """
    faults = list(schema_faults("config", config))
    if not faults:
        faults = [
            *_unknown("$.dataset.name", [config["dataset"]["name"]], DATASETS),
            *_unknown("$.models", config["models"], MODELS),
            *_unknown("$.pruners", config["pruners"], PRUNERS),
            *(
                fault
                for name, pruner in config["pruners"].items()
                for key in ("sparsities", "models")
                for fault in _unknown(f"$.pruners.{name}.{key}", pruner.get(key, {}), MODELS)
            ),
            *_unknown("$.baseline.models", config["baseline"].get("models", {}), MODELS),
            *_unknown("$.finetune.models", config["finetune"].get("models", {}), MODELS),
        ]
    if not faults:
        faults = [
            *_reserved_name(config),
            *_widths_without_channels(config),
            *_faulty_arguments(config),
            *_no_epochs(config),
            *_controls_without_search(config),
        ]
    faults = faults or [*_contradicting_arguments(config), *_no_targets(config)]
    if faults:
        raise InputError(f"{source}: " + "; ".join(str(fault).removeprefix("$.") for fault in faults))


def _reserved_name(config: Config) -> list[Fault]:
    """Names whose results folder is another one's: of a twin, the published cells, imported results."""
    name = config["study"]
    if name in RESERVED:
        return [Fault("$.study", f"{name!r} is the workflow's own; another name")]
    if name.endswith(tuple(f"-{protocol}" for protocol in PROTOCOLS)):
        return [
            Fault("$.study", f"{name!r} is the name of a study's twin (see docs/method.md); another name")
        ]
    return []


def _unknown(path: str, names, registry) -> list[Fault]:
    return [
        Fault(path, f"unknown {name!r}; allowed: {', '.join(registry)}")
        for name in names
        if name not in registry
    ]


def _widths_without_channels(config: Config) -> list[Fault]:
    return [
        Fault(
            f"$.models.{name}.width",
            f"{model['width']} leaves a layer without channels; at least 1/{narrowest}",
        )
        for name, model in config["models"].items()
        if int((narrowest := MODELS[name].narrowest) * model["width"]) < 1
    ]


def _faulty_arguments(config: Config) -> list[Fault]:
    return [
        fault
        for name, pruner in config["pruners"].items()
        for key, changes in [
            ("arguments", pruner.get("arguments", {})),
            *((f"models.{model}", changed) for model, changed in pruner.get("models", {}).items()),
        ]
        for fault in faults_against(schema_of(PRUNERS[name].arguments), changes, f"$.pruners.{name}.{key}")
    ]


def _contradicting_arguments(config: Config) -> list[Fault]:
    return [
        Fault(f"$.pruners.{name}.arguments.{argument}", reason)
        for name in config["pruners"]
        for model in config["models"]
        for argument, reason in contradictions(pruner_arguments(config, name, model))
    ]


def _no_epochs(config: Config) -> list[Fault]:
    """Trainings that the study asks for and gives no epoch; baselines may stay untrained."""
    asked = {"finetune": "fine-tune"}
    if "baseline" in config.get("scratch", []):
        asked["baseline"] = "train from scratch"
    return [
        Fault(f"$.{stage}.epochs", f"0 leaves nothing to {what}; at least 1")
        for stage, what in asked.items()
        if not config[stage]["epochs"]
    ]


def _controls_without_search(config: Config) -> list[Fault]:
    """Controls whose cells have no searched cell to be compared with."""
    controls = [name for name in config["pruners"] if PRUNERS[name].matched]
    if SEARCHED not in config["pruners"]:
        return [Fault(f"$.pruners.{name}", f"needs {SEARCHED} beside it") for name in controls]
    return [
        Fault(
            f"$.pruners.{name}.sparsities.{model}",
            f"{sparsity} is not one of {SEARCHED}; allowed: {', '.join(map(str, searched)) or 'none'}",
        )
        for name in controls
        for model in config["models"]
        for searched in [sparsities(config, SEARCHED, model)]
        for sparsity in sparsities(config, name, model)
        if sparsity not in searched
    ]


def _no_targets(config: Config) -> list[Fault]:
    if not config["sparsities"] and not config.get("budgets"):
        return [Fault("$.sparsities", "[] leaves no cells in a study without budgets")]
    if config.get("budgets") and (depthwise := [name for name in config["models"] if MODELS[name].depthwise]):
        return [Fault("$.budgets", f"{depthwise[0]} has depthwise convolutions, which no budget counts")]
    return [
        Fault(
            f"$.pruners.{name}",
            "cannot search under a budget, and has no sparsities; name some, or leave the pruner out",
        )
        for name in config["pruners"]
        if not PRUNERS[name].budgets
        and not any(sparsities(config, name, model) for model in config["models"])
    ]


def cells(config: Config) -> list[Cell]:
    """Every cell of a study, in the order of its configuration."""
    return [
        Cell(model, pruner, str(target), seed)
        for model in config["models"]
        for seed in config["seeds"]
        for pruner in config["pruners"]
        for target in targets(config, pruner, model)
    ]


def targets(config: Config, pruner: str, model: str) -> list[Target]:
    """The targets of a pruner on a model: its sparsities, then its budgets, kind by kind."""
    asked = {SPARSITY: sparsities(config, pruner, model), **budgets(config, pruner, model)}
    return [Target(kind, value) for kind, values in asked.items() for value in values]


def budgets(config: Config, pruner: str, model: str) -> dict[str, list[float]]:
    """The study's budgets by kind; none for a pruner that cannot search under one, or that is left out."""
    left_out = config["pruners"][pruner].get("sparsities", {}).get(model) == []
    return {} if left_out or not PRUNERS[pruner].budgets else config.get("budgets", {})


def sparsities(config: Config, pruner: str, model: str) -> list[float]:
    """The sparsities of a pruner on a model: its own, where the study says so, or the study's.

    A control that is compared with the searched cells has the sparsities of those.
    """
    common = sparsities(config, SEARCHED, model) if PRUNERS[pruner].matched else config["sparsities"]
    return config["pruners"][pruner].get("sparsities", {}).get(model, common)


def pruner_arguments(config: Config, pruner: str, model: str) -> Config:
    """All arguments of a pruner on a model: its defaults, with the study's changes and the model's."""
    asked = config["pruners"][pruner]
    return arguments_of(pruner, asked.get("arguments", {}), asked.get("models", {}).get(model, {}))


def training_settings(config: Config, stage: str, model: str) -> Config:
    """The settings of `baseline` or `finetune` for one model: the stage's own, with the model's changes."""
    common = {key: value for key, value in config[stage].items() if key != "models"}
    return common | config[stage].get("models", {}).get(model, {})
