"""Rules across the keys of a study's configuration, which its JSON Schema cannot express."""

from __future__ import annotations

from collections.abc import Iterator

from filterbench.data.registry import DATASETS
from filterbench.documents.parts import IMAGE_SIZE
from filterbench.documents.schemas import Fault, faults_against
from filterbench.models.registry import MODELS
from filterbench.pruners.arguments import contradictions, schema_of
from filterbench.pruners.registry import PRUNERS
from filterbench.study.cells import (
    Config,
    place_of_setting,
    pruner_arguments,
    references,
    sparsities,
    targets,
    trained_again,
    training_settings,
)


def _reserved_name(config: Config) -> Iterator[Fault]:
    """Names whose results folder has another owner, such as a twin or the published cells."""
    name = config["study"]
    if name in ("published", "imported", "audit", "merged"):
        yield Fault("$.study", f"{name!r} is reserved for the workflow; choose another name")
    elif name.endswith(("-validation", "-test")):
        yield Fault(
            "$.study", f"{name!r} is the name of a study's twin (see docs/method.md); choose another name"
        )


def _impossible_widths(config: Config) -> Iterator[Fault]:
    for name, settings in config["models"].items():
        model, width = MODELS[name], settings["width"]
        if int(model.narrowest * width) < 1:
            reason = f"{width} leaves a layer without channels; at least 1/{model.narrowest}"
            yield Fault(f"$.models.{name}.width", reason)
        if not model.any_width and width != 1:
            yield Fault(f"$.models.{name}.width", f"{width}; allowed: 1, the only width of this model")


def _normalisation(config: Config) -> Iterator[Fault]:
    for name, settings in config["models"].items():
        for key, values in settings.get("normalisation", {}).items():
            if len(values) == 2:
                yield Fault(f"$.models.{name}.normalisation.{key}", f"{values}; allowed: 1 or 3 numbers")


def _image_size(config: Config) -> Iterator[Fault]:
    """An image size that the dataset or a model does not support."""
    name, size = config["dataset"]["name"], config["dataset"].get("image_size", IMAGE_SIZE)
    if size == IMAGE_SIZE:
        return
    if not DATASETS[name].any_size:
        allowed = ", ".join(each for each, entry in DATASETS.items() if entry.any_size)
        reason = f"{name} has {IMAGE_SIZE}x{IMAGE_SIZE} images; datasets of other sizes: {allowed}"
        yield Fault("$.dataset.image_size", reason)
        return
    for model in config["models"]:
        if not MODELS[model].any_size:
            yield Fault(f"$.models.{model}", f"supports only {IMAGE_SIZE}x{IMAGE_SIZE} images")


def _arguments(config: Config) -> Iterator[Fault]:
    for name, pruner in config["pruners"].items():
        schema = schema_of(PRUNERS[name].arguments)
        yield from faults_against(schema, pruner.get("arguments", {}), f"$.pruners.{name}.arguments")
        for model, changes in pruner.get("models", {}).items():
            yield from faults_against(schema, changes, f"$.pruners.{name}.models.{model}")


def _no_epochs(config: Config) -> Iterator[Fault]:
    """Baselines without epochs whose training the study repeats from scratch; others may stay untrained."""
    if not any("scratch-baseline" in trained_again(config, pruner) for pruner in config["pruners"]):
        return
    places = [
        place_of_setting(config, "baseline", "epochs", model)
        for model in config["models"]
        if not training_settings(config, "baseline", model)["epochs"]
    ]
    for place in dict.fromkeys(places):
        yield Fault(place, "0 leaves nothing to train from scratch; at least 1")


def _controls_without_search(config: Config) -> Iterator[Fault]:
    """Controls whose cells have no searched cell to be compared with."""
    searched = {name: PRUNERS[name].searched for name in config["pruners"] if PRUNERS[name].searched}
    if alone := [name for name, other in searched.items() if other not in config["pruners"]]:
        for name in alone:
            yield Fault(f"$.pruners.{name}", f"needs {searched[name]} among the pruners")
        return
    for name, other in searched.items():
        for model in config["models"]:
            allowed = sparsities(config, other, model)
            for sparsity in sparsities(config, name, model):
                if sparsity not in allowed:
                    listed = ", ".join(map(str, allowed)) or "none"
                    reason = f"{sparsity} is not a sparsity of {other}; allowed: {listed}"
                    yield Fault(f"$.pruners.{name}.sparsities.{model}", reason)


def _nesterov_without_momentum(config: Config) -> Iterator[Fault]:
    for stage in ("baseline", "finetune"):
        trainings = [
            training_settings(config, stage, model, pruner)
            for model in config["models"]
            for pruner in config["pruners"]
        ]
        if any(settings.get("nesterov") and not settings["momentum"] for settings in trainings):
            yield Fault(f"$.{stage}.nesterov", "needs a momentum above 0")


def _epochs_tuned_and_counted_out(config: Config) -> Iterator[Fault]:
    """Epochs that are tuned for each net, although another training or a budget determines them."""
    named = {"equal": "equal_training", "scratch-total": "scratch: total"}
    trainings = [name for pruner in config["pruners"] for name in trained_again(config, pruner)]
    counting = [named[name] for name in trainings if name in named]
    counting += ["training_budgets"] if "training_budgets" in config else []
    if "epochs" in config["finetune"].get("tuning", {}) and counting:
        reason = f"{counting[0]} determines the epochs; tune the learning_rate only"
        yield Fault("$.finetune.tuning.epochs", reason)


def _budget_of_the_finetuning(config: Config) -> Iterator[Fault]:
    """A training budget that repeats the fine-tuning's own epochs."""
    epochs = config["finetune"]["epochs"]
    if epochs in config.get("training_budgets", []):
        reason = f"{epochs} is finetune.epochs, which is a training budget already; remove it here"
        yield Fault("$.training_budgets", reason)


def _subsets_of_all_images(config: Config) -> Iterator[Fault]:
    dataset = config["dataset"]
    if "train_subsets" in dataset and not dataset.get("train_images"):
        yield Fault("$.dataset.train_subsets", "needs dataset.train_images, the size of each subset")


def _onnxruntime_on_a_gpu(config: Config) -> Iterator[Fault]:
    latency = config.get("latency", {})
    runtimes = [*latency.get("runtimes", []), latency.get("budget_runtime")]
    if config["device"] == "cuda" and "onnxruntime" in runtimes:
        yield Fault("$.latency", "onnxruntime is measured on the CPU; set device: cpu, or remove it")


def _pruned(config: Config, pruner: str) -> list[str]:
    """The models of which a pruner has cells."""
    return [model for model in config["models"] if targets(config, pruner, model)]


def _sparse_training_thrown_away(config: Config) -> Iterator[Fault]:
    """A sparse training before a pruner that draws new weights."""
    for name, pruner in config["pruners"].items():
        for model in _pruned(config, name) if "sparse_training" in pruner else ():
            if pruner_arguments(config, name, model).get("weights") == "fresh":
                yield Fault(f"$.pruners.{name}.sparse_training", "its weights are fresh; remove one of them")
                break


def _contradicting_arguments(config: Config) -> Iterator[Fault]:
    for name in config["pruners"]:
        for model in _pruned(config, name):
            for argument, reason in contradictions(pruner_arguments(config, name, model)):
                yield Fault(f"$.pruners.{name}.arguments.{argument}", reason)


def _grouped_channels_of_padded_nets(config: Config) -> Iterator[Fault]:
    """Pruners that group the channels of residual sums, and nets whose shortcuts move these."""
    for model in filter(lambda name: MODELS[name].padded, config["models"]):
        for name in config["pruners"]:
            arguments = pruner_arguments(config, name, model)
            grouping = "ranking" in arguments or arguments.get("dependency_aware")
            if grouping and targets(config, name, model):
                projected = model.removesuffix("_padded")
                reason = f"groups channels, which the shortcuts of {model} move; use {projected}"
                yield Fault(f"$.pruners.{name}", reason)


def _no_targets(config: Config) -> Iterator[Fault]:
    if not config["sparsities"] and not config.get("budgets"):
        yield Fault("$.sparsities", "[] leaves no cells in a study without budgets")
        return
    depthwise = [name for name in config["models"] if MODELS[name].depthwise]
    if config.get("budgets") and depthwise:
        reason = f"{depthwise[0]} has depthwise convolutions, which budgets do not support"
        yield Fault("$.budgets", reason)
        return
    for name in config["pruners"]:
        rounds = max(pruner_arguments(config, name, model).get("rounds", 1) for model in config["models"])
        if config.get("budgets") and rounds > 1:
            yield Fault(f"$.pruners.{name}.arguments.rounds", f"{rounds}; with budgets, only 1 is supported")
        targeted = any(sparsities(config, name, model) for model in config["models"])
        if not PRUNERS[name].budgets and not targeted:
            reason = "cannot search under a budget, and has no sparsities; add some, or remove the pruner"
            yield Fault(f"$.pruners.{name}", reason)


def _models_without_cells(config: Config) -> Iterator[Fault]:
    for model in config["models"]:
        if not any(targets(config, name, model) for name in config["pruners"]):
            yield Fault(
                f"$.models.{model}", "no pruner has a cell of it; add sparsities, or remove the model"
            )


def _nothing_to_equal(config: Config) -> Iterator[Fault]:
    """The first target at which no pruner of `equal_training.as` has a cell."""
    named = config.get("equal_training", {}).get("as")
    for model in config["models"] if named else ():
        for name in config["pruners"]:
            for target in targets(config, name, model):
                if not references(config, model, target):
                    reason = f"{' and '.join(named)}: no cell of {model} at {target}, which {name} has"
                    yield Fault("$.equal_training.as", reason)
                    return


def _one_net_at_several_sparsities(config: Config) -> Iterator[Fault]:
    """Sparsities of a pruner whose layers are given: it would make the same net at each of them."""
    for name in config["pruners"]:
        for model in config["models"]:
            if "layers" in PRUNERS[name].arguments and len(sparsities(config, name, model)) > 1:
                reason = "its layers decide the net, so that it has one cell per model; name one sparsity"
                yield Fault(f"$.pruners.{name}.sparsities.{model}", reason)


# The rules of cells rely on arguments and settings without faults.
SETTINGS_RULES = (
    _reserved_name,
    _impossible_widths,
    _arguments,
    _no_epochs,
    _controls_without_search,
    _nesterov_without_momentum,
    _image_size,
    _normalisation,
    _epochs_tuned_and_counted_out,
    _budget_of_the_finetuning,
    _subsets_of_all_images,
    _onnxruntime_on_a_gpu,
)
CELL_RULES = (
    _contradicting_arguments,
    _sparse_training_thrown_away,
    _one_net_at_several_sparsities,
    _grouped_channels_of_padded_nets,
    _no_targets,
    _models_without_cells,
    _nothing_to_equal,
)
