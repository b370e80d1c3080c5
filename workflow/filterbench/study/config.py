"""The check of a study's configuration."""

from __future__ import annotations

from collections.abc import Iterable

from filterbench.data.registry import DATASETS
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.documents.schemas import Fault, faults_against, schema_faults
from filterbench.models import torchvision_nets
from filterbench.models.registry import MODELS
from filterbench.pruners.arguments import contradictions, schema_of
from filterbench.pruners.registry import PRUNERS
from filterbench.storage.errors import InputError
from filterbench.study.cells import (
    Config,
    pruner_arguments,
    references,
    sparsities,
    targets,
    trained_again,
    training_settings,
)

RESERVED = ("published", "imported")
PROTOCOLS = ("validation", "test")


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
            *_unknown_models(config["models"]),
            *_unknown("$.pruners", config["pruners"], PRUNERS),
            *(
                fault
                for name, pruner in config["pruners"].items()
                for key in ("sparsities", "models")
                for fault in _unknown(f"$.pruners.{name}.{key}", pruner.get(key, {}), MODELS)
            ),
            *_unknown("$.baseline.models", config["baseline"].get("models", {}), MODELS),
            *_unknown("$.finetune.models", config["finetune"].get("models", {}), MODELS),
            *_unknown("$.finetune.pruners", config["finetune"].get("pruners", {}), config["pruners"]),
            *_unknown(
                "$.equal_training.as", config.get("equal_training", {}).get("as", []), config["pruners"]
            ),
        ]
    if not faults:
        faults = [
            *_reserved_name(config),
            *_impossible_widths(config),
            *_faulty_arguments(config),
            *_no_epochs(config),
            *_controls_without_search(config),
            *_nesterov_without_momentum(config),
            *_of_one_size(config),
            *_epochs_tuned_and_counted_out(config),
            *_budget_of_the_finetuning(config),
            *_onnxruntime_on_a_gpu(config),
        ]
    faults = faults or [
        *_contradicting_arguments(config),
        *_no_targets(config),
        *_nothing_to_equal(config),
    ]
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


def _unknown_models(names: Iterable[str]) -> list[Fault]:
    """Models that are not there; of torchvision's, why not."""
    theirs = [name for name in names if name.startswith(torchvision_nets.PREFIX) and name not in MODELS]
    allowed = ", ".join(torchvision_nets.MODELS)
    return [
        *_unknown("$.models", [name for name in names if name not in theirs], MODELS),
        *(
            Fault("$.models", f"{name!r} {torchvision_nets.why_refused(name)}; allowed: {allowed}")
            for name in theirs
        ),
    ]


def _impossible_widths(config: Config) -> list[Fault]:
    return [
        Fault(
            f"$.models.{name}.width",
            f"{model['width']} leaves a layer without channels; at least 1/{narrowest}",
        )
        for name, model in config["models"].items()
        if int((narrowest := MODELS[name].narrowest) * model["width"]) < 1
    ] + [
        Fault(f"$.models.{name}.width", f"{model['width']}; allowed: 1, the only one of this model")
        for name, model in config["models"].items()
        if not MODELS[name].any_width and model["width"] != 1
    ]


def _of_one_size(config: Config) -> list[Fault]:
    """An image size that the dataset or a model is not for."""
    size, name = config["dataset"].get("image_size", IMAGE_SIZE), config["dataset"]["name"]
    if size == IMAGE_SIZE:
        return []
    if not DATASETS[name].any_size:
        allowed = ", ".join(each for each, entry in DATASETS.items() if entry.any_size)
        return [
            Fault("$.dataset.image_size", f"{name} has {IMAGE_SIZE}x{IMAGE_SIZE} images; others: {allowed}")
        ]
    return [
        Fault(f"$.models.{each}", f"is for {IMAGE_SIZE}x{IMAGE_SIZE} images alone")
        for each in config["models"]
        if not MODELS[each].any_size
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
    if any("scratch-baseline" in trained_again(config, pruner) for pruner in config["pruners"]):
        asked["baseline"] = "train from scratch"
    return [
        Fault(f"$.{stage}.epochs", f"0 leaves nothing to {what}; at least 1")
        for stage, what in asked.items()
        if not config[stage]["epochs"]
    ]


def _controls_without_search(config: Config) -> list[Fault]:
    """Controls whose cells have no searched cell to be compared with."""
    searched = {name: PRUNERS[name].searched for name in config["pruners"] if PRUNERS[name].searched}
    alone = [name for name, other in searched.items() if other not in config["pruners"]]
    if alone:
        return [Fault(f"$.pruners.{name}", f"needs {searched[name]} beside it") for name in alone]
    return [
        Fault(
            f"$.pruners.{name}.sparsities.{model}",
            f"{sparsity} is not one of {other}; allowed: {', '.join(map(str, allowed)) or 'none'}",
        )
        for name, other in searched.items()
        for model in config["models"]
        for allowed in [sparsities(config, other, model)]
        for sparsity in sparsities(config, name, model)
        if sparsity not in allowed
    ]


def _nesterov_without_momentum(config: Config) -> list[Fault]:
    settings = {
        (stage, model, pruner): training_settings(config, stage, model, pruner)
        for stage in ("baseline", "finetune")
        for model in config["models"]
        for pruner in config["pruners"]
    }
    faulty = {stage for (stage, *_), own in settings.items() if own.get("nesterov") and not own["momentum"]}
    return [Fault(f"$.{stage}.nesterov", "needs a momentum above 0") for stage in sorted(faulty)]


def _onnxruntime_on_a_gpu(config: Config) -> list[Fault]:
    asked = {"runtimes": [], "budget_runtime": "", **config.get("latency", {})}
    if config["device"] != "cuda" or "onnxruntime" not in (*asked["runtimes"], asked["budget_runtime"]):
        return []
    return [Fault("$.latency", "onnxruntime is measured on the CPU; set device: cpu, or leave it out")]


def _epochs_tuned_and_counted_out(config: Config) -> list[Fault]:
    """Epochs that are to be chosen for each net, where another training or a budget counts them out."""
    named = {"equal": "equal_training", "scratch-total": "scratch: total"}
    asked = (name for pruner in config["pruners"] for name in trained_again(config, pruner))
    counting = [named[name] for name in asked if name in named]
    counting += ["training_budgets"] if "training_budgets" in config else []
    if "epochs" not in config["finetune"].get("tuning", {}) or not counting:
        return []
    return [Fault("$.finetune.tuning.epochs", f"{counting[0]} counts the epochs out; tune the learning_rate")]


def _budget_of_the_finetuning(config: Config) -> list[Fault]:
    """A training budget that the fine-tuning itself has."""
    epochs = config["finetune"]["epochs"]
    if epochs not in config.get("training_budgets", []):
        return []
    return [Fault("$.training_budgets", f"{epochs} is finetune.epochs, which is a budget already; others")]


def _nothing_to_equal(config: Config) -> list[Fault]:
    """Targets at which no pruner whose training all cells are to have has a cell."""
    named = config.get("equal_training", {}).get("as")
    if not named:
        return []
    return [
        Fault(
            "$.equal_training.as", f"{' and '.join(named)}: no cell of {model} at {target}, which {name} has"
        )
        for model in config["models"]
        for name in config["pruners"]
        for target in targets(config, name, model)
        if not references(config, model, target)
    ][:1]


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
