"""The cells of a study, and the settings of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from filterbench.domain.targets import SPARSITY, Target
from filterbench.pruners.registry import PRUNERS, arguments_of

Config = dict[str, Any]
# The documents that every cell of any study has, by name.
CELL_DOCUMENTS = ("prune", "speedup", "count", "finetune", "result")
# The schedule of a fine-tuning that repeats the baseline's last epochs.
REWIND = "rewind"
# What tells the sparse trainings of a model apart, in the order of their folders' names.
SPARSE_NAME = ("penalty", "strength", "epochs", "learning_rate")


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
    by_kind = {SPARSITY: sparsities(config, pruner, model), **budgets(config, pruner, model)}
    return [Target(kind, value) for kind, values in by_kind.items() for value in values]


def variants(config: Config) -> dict[str, str]:
    """By name of each variant, its pruner, also where the study does not have that pruner itself."""
    pruners = config["pruners"].items()
    return {name: own["variant_of"] for name, own in pruners if "variant_of" in (own or {})}


def budgets(config: Config, pruner: str, model: str) -> dict[str, list[float]]:
    """The study's budgets by kind; empty for a pruner that cannot search under one, or is left out."""
    left_out = config["pruners"][pruner].get("sparsities", {}).get(model) == []
    return {} if left_out or not PRUNERS[pruner].budgets else config.get("budgets", {})


def sparsities(config: Config, pruner: str, model: str) -> list[float]:
    """The sparsities of a pruner on a model: its own, if the study sets them, or the study's.

    A control that is compared with searched cells has the sparsities of the searching pruner.
    """
    searched = PRUNERS[pruner].searched
    common = sparsities(config, searched, model) if searched else config["sparsities"]
    return config["pruners"][pruner].get("sparsities", {}).get(model, common)


def pruner_arguments(config: Config, pruner: str, model: str) -> Config:
    """All arguments of a pruner on a model: its defaults, changed by the study, then for the model."""
    own = config["pruners"][pruner]
    return arguments_of(pruner, own.get("arguments", {}), own.get("models", {}).get(model, {}))


def round_channels(config: Config, pruner: str) -> int:
    """The number of which each layer's kept channels are a multiple: the pruner's own, or the study's."""
    return config["pruners"][pruner].get("round_channels", config.get("round_channels", 1))


def trains_between_rounds(arguments: Config) -> bool:
    """Whether a pruner with these arguments prunes in rounds, and trains the net between them."""
    return arguments.get("rounds", 1) > 1 and arguments.get("round_epochs", 0) > 0


def search_settings(config: Config, pruner: str, model: str) -> Config:
    """How a pruner judges and trains candidates, or trains between rounds; of others only the precision.

    A control that searches does so as the pruner that it is compared with, unless its own line differs.
    """
    entry, settings = PRUNERS[pruner], {}
    if entry.searches or trains_between_rounds(pruner_arguments(config, pruner, model)):
        settings = dict(config["search"])
        for name in filter(None, (entry.searched, pruner)):
            settings |= PRUNERS[name].search_settings
            settings |= config["pruners"][name].get("search", {})
    return settings | precision(config)


def training_settings(config: Config, stage: str, model: str, pruner: str = "") -> Config:
    """The settings of `baseline` or `finetune`, changed for the model, then for the pruner."""
    stage_settings = config[stage]
    own = {key: value for key, value in stage_settings.items() if key not in ("models", "pruners", "tuning")}
    own |= stage_settings.get("models", {}).get(model, {}) | stage_settings.get("pruners", {}).get(pruner, {})
    if own["schedule"] == REWIND:
        own |= _rewound(config, model)
    return own | precision(config)


def place_of_setting(config: Config, stage: str, key: str, model: str, pruner: str = "") -> str:
    """Where a study gives a setting of `baseline` or `finetune`, as a JSON path."""
    for part, name in (("pruners", pruner), ("models", model)):
        if key in config[stage].get(part, {}).get(name, {}):
            return f"$.{stage}.{part}.{name}.{key}"
    return f"$.{stage}.{key}"


def _rewound(config: Config, model: str) -> Config:
    """What learning-rate rewinding takes from the baseline (Renda et al. 2020, arXiv:2003.02389)."""
    baseline = training_settings(config, "baseline", model)
    names = ("learning_rate", "schedule")
    return {**{name: baseline[name] for name in names}, "schedule_epochs": baseline["epochs"]}


def sparse_training(config: Config, pruner: str, model: str) -> Config:
    """The sparse training before a pruner, as the cells' documents record it; empty where it has none."""
    if not (own := config["pruners"][pruner].get("sparse_training")):
        return {}
    return {
        "penalty": own["penalty"],
        "strength": float(own["strength"]),
        "epochs": own["epochs"],
        "batch_size": training_settings(config, "baseline", model)["batch_size"],
        "learning_rate": float(own["learning_rate"]),
    }


def sparse_name(sparse: Mapping[str, object]) -> str:
    """The name of a sparse training's folder; empty without a sparse training."""
    return "_".join(str(sparse[key]) for key in SPARSE_NAME) if sparse else ""


def sparse_trainings(config: Config, model: str) -> dict[str, Config]:
    """By name of their folder, the sparse trainings that the cells of a model begin with."""
    pruners = [name for name in config["pruners"] if targets(config, name, model)]
    asked = [sparse_training(config, name, model) for name in pruners]
    return {sparse_name(sparse): sparse for sparse in asked if sparse}


def sparse_settings(config: Config, model: str, sparse: Config) -> Config:
    """The settings of a sparse training: the baseline's, but for its own."""
    return training_settings(config, "baseline", model) | sparse


def budget_settings(config: Config, epochs: int, model: str, pruner: str) -> Config:
    """The settings of the fine-tuning for a training budget."""
    return training_settings(config, "finetune", model, pruner) | {"epochs": epochs}


def training_budgets(config: Config) -> list[int]:
    """The epochs after the last cut, in rising order: those of the fine-tuning and of `training_budgets`."""
    return sorted({config["finetune"]["epochs"], *config.get("training_budgets", [])})


def scratch_settings(config: Config, budget: str, model: str, pruner: str) -> Config:
    """The settings of a training of a cell's shapes from scratch; the stage computes the epochs of `total`.

    `budget` is `finetune`, `baseline`, `total`, or a number of epochs to add to the baseline's.
    """
    if budget == "finetune":
        return training_settings(config, "finetune", model, pruner)
    settings = training_settings(config, "baseline", model, pruner)
    return settings | {"epochs": settings["epochs"] + int(budget)} if budget.isdecimal() else settings


def precision(config: Config) -> Config:
    """The precision of every training, as a setting; empty where the device decides it."""
    chosen = config.get("precision", "auto")
    return {} if chosen == "auto" else {"precision": chosen}


def cell_documents(config: Config, pruner: str) -> list[str]:
    """The documents of every cell of a pruner, by name."""
    return [*CELL_DOCUMENTS, *trained_again(config, pruner)]


def baseline_documents(config: Config) -> list[str]:
    """The documents of every baseline, by name."""
    return ["baseline", *(["baseline-finetune"] if config.get("finetune_unpruned") else [])]


def trained_again(config: Config, pruner: str) -> list[str]:
    """The further trainings of a pruner's cells after their fine-tuning, as names of their documents."""
    longer = [f"finetune-{epochs}" for epochs in config.get("training_budgets", [])]
    equal = ["equal"] if "equal_training" in config else []
    scratch = config["pruners"][pruner].get("scratch", config.get("scratch", []))
    budgets = {"budgets": training_budgets(config)}
    again = [f"scratch-{budget}" for name in scratch for budget in budgets.get(name, [name])]
    return [*longer, *equal, *again]


def references(config: Config, model: str, target: Target) -> list[str]:
    """The pruners of `equal_training.as` that have a cell at a target."""
    named = config.get("equal_training", {}).get("as", [])
    return [name for name in named if target in targets(config, name, model)]
