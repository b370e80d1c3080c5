"""The cells that a study asks for, and the settings of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from filterbench.domain.targets import SPARSITY, Target
from filterbench.pruners.registry import PRUNERS, arguments_of

Config = dict[str, Any]
# The documents that every cell of any study has, by name.
STAGES = ("prune", "speedup", "count", "finetune", "result")


@dataclass(frozen=True)
class Cell:
    """One (model, pruner, target, seed) of a study."""

    model: str
    pruner: str
    target: Target
    seed: int


def cells(config: Config) -> list[Cell]:
    """Every cell of a study, in the order of its configuration."""
    return [
        Cell(model, pruner, target, seed)
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
    searched = PRUNERS[pruner].searched
    common = sparsities(config, searched, model) if searched else config["sparsities"]
    return config["pruners"][pruner].get("sparsities", {}).get(model, common)


def pruner_arguments(config: Config, pruner: str, model: str) -> Config:
    """All arguments of a pruner on a model: its defaults, with the study's changes and the model's."""
    asked = config["pruners"][pruner]
    return arguments_of(pruner, asked.get("arguments", {}), asked.get("models", {}).get(model, {}))


def round_channels(config: Config, pruner: str) -> int:
    """The multiple of channels that a pruner's layers keep: its own, or the study's."""
    return config["pruners"][pruner].get("round_channels", config.get("round_channels", 1))


def search_settings(config: Config, pruner: str) -> Config:
    """How a pruner judges and trains candidates, as all do or as it does; else its precision alone."""
    entry, own = PRUNERS[pruner], config["pruners"][pruner].get("search", {})
    settings = {**config["search"], **entry.search_settings, **own} if entry.searches else {}
    return settings | precision(config)


def training_settings(config: Config, stage: str, model: str, pruner: str = "") -> Config:
    """The settings of `baseline` or `finetune`: its own, with the model's changes and the pruner's."""
    own = {key: value for key, value in config[stage].items() if key not in ("models", "pruners", "tuning")}
    changes = config[stage].get("models", {}).get(model, {}), config[stage].get("pruners", {}).get(pruner, {})
    return own | changes[0] | changes[1] | precision(config)


def budget_settings(config: Config, epochs: int, model: str, pruner: str) -> Config:
    """The settings of the fine-tuning at a training budget."""
    return training_settings(config, "finetune", model, pruner) | {"epochs": epochs}


def training_budgets(config: Config) -> list[int]:
    """The study's fine-tuning and its further training budgets, in epochs after the last cut."""
    return sorted({config["finetune"]["epochs"], *config.get("training_budgets", [])})


def scratch_settings(config: Config, budget: str, model: str, pruner: str) -> Config:
    """The settings of a training from scratch, of which the stage counts out the epochs of `total`.

    Args:
        config: the study.
        budget: `finetune`, `baseline`, `total`, or a training budget: the baseline's epochs and those.
        model: name of the model.
        pruner: of the cell whose shapes are trained.
    """
    if budget == "finetune":
        return training_settings(config, "finetune", model, pruner)
    settings = training_settings(config, "baseline", model, pruner)
    return settings | {"epochs": settings["epochs"] + int(budget)} if budget.isdecimal() else settings


def precision(config: Config) -> Config:
    """The arithmetic of every training, as a setting; empty where the study leaves it to the device."""
    asked = config.get("precision", "auto")
    return {} if asked == "auto" else {"precision": asked}


def cell_documents(config: Config, pruner: str) -> list[str]:
    """The documents of every cell of a pruner, by name."""
    return [*STAGES, *trained_again(config, pruner)]


def baseline_documents(config: Config) -> list[str]:
    """The documents of every baseline, by name."""
    return ["baseline", *(["baseline-finetune"] if config.get("finetune_unpruned") else [])]


def trained_again(config: Config, pruner: str) -> list[str]:
    """The trainings of a pruner's cells beyond their fine-tuning, by name of their documents."""
    longer = [f"finetune-{epochs}" for epochs in config.get("training_budgets", [])]
    equal = ["equal"] if "equal_training" in config else []
    scratch = config["pruners"][pruner].get("scratch", config.get("scratch", []))
    budgets = {"budgets": training_budgets(config)}
    return [
        *longer,
        *equal,
        *(f"scratch-{budget}" for name in scratch for budget in budgets.get(name, [name])),
    ]


def references(config: Config, model: str, target: Target) -> list[str]:
    """The pruners whose training the cells of a target are to have, as far as they have cells there."""
    named = config.get("equal_training", {}).get("as", [])
    return [name for name in named if target in targets(config, name, model)]
