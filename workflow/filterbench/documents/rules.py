"""Rules across the keys of a document, which its JSON Schema cannot express."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from filterbench.documents.manifest import settings_digest
from filterbench.documents.measurements import LatencyTableDocument, SensitivityDocument
from filterbench.documents.parts import IMAGE_SIZE, Epoch, Training
from filterbench.documents.schemas import Fault
from filterbench.documents.types import (
    CountDocument,
    Measured,
    PruneDocument,
    ResultDocument,
    SpeedupDocument,
    TrainedDocument,
)
from filterbench.domain.spending import images_in_a_pass, images_trained, images_trained_sparse
from filterbench.domain.targets import SPARSITY, target_of

ACCURACY_SLACK = 1e-6


def _counted_on_the_cells_images(document: CountDocument) -> Iterator[Fault]:
    size = document["cell"].get("image_size", IMAGE_SIZE)
    if document["input_shape"] != [3, size, size]:
        yield Fault("$.input_shape", f"{document['input_shape']} is not the cell's [3, {size}, {size}]")


def _never_above_original(document: CountDocument | ResultDocument) -> Iterator[Fault]:
    for key, pair in (("params", document["params"]), ("flops", document["flops"])):
        if pair["speedup"] > pair["original"]:
            yield Fault(f"$.{key}.speedup", f"{pair['speedup']} is above the original's {pair['original']}")


def _accuracies_are_shares_of_test_images(document: Measured) -> Iterator[Fault]:
    images = document["images"]["test"]
    for key, accuracy in document["performance"].items():
        yield from _share_of_images(f"$.performance.{key}", accuracy, images, "the share of one test image")


def _share_of_images(place: str, accuracy: float, images: int, what: str) -> Iterator[Fault]:
    correct = accuracy * images
    if abs(correct - round(correct)) > ACCURACY_SLACK * images:
        yield Fault(place, f"{accuracy} is not a multiple of 1/{images}, {what}")


def _epochs_are_those_of_the_settings(document: TrainedDocument) -> Iterator[Fault]:
    training = document["training"]
    epochs = [entry["epoch"] for entry in training["epochs"]]
    if epochs != list(range(1, len(epochs) + 1)):
        yield Fault("$.training.epochs", "the epochs are not numbered 1, 2, 3, ... in order")
    if len(epochs) != (asked := training["settings"]["epochs"]):
        yield Fault("$.training.epochs", f"{len(epochs)} epochs, but the settings ask for {asked}")
    if asked > (scheduled := training["settings"].get("schedule_epochs", asked)):
        yield Fault("$.training.settings.epochs", f"{asked} is above the {scheduled} of the rewound schedule")
    if asked and training["settings"].get("recalibrate"):
        yield Fault("$.training.settings.epochs", f"{asked}, beside a recalibration, which trains nothing")
    if training["best_epoch"] != (best := _kept_epoch(training)):
        yield Fault("$.training.best_epoch", f"{training['best_epoch']}, but epoch {best} is the one to keep")
    highest = training["settings"]["learning_rate"]
    for index, entry in enumerate(training["epochs"]):
        if entry["learning_rate"] > highest * (1 + ACCURACY_SLACK):
            reason = f"{entry['learning_rate']} is above the schedule's largest, {highest}"
            yield Fault(f"$.training.epochs[{index}].learning_rate", reason)
    yield from _selections_are_shares_of_images(document)


def _settings_are_the_cells(document: TrainedDocument) -> Iterator[Fault]:
    settings = document["training"]["settings"]
    for key, value in document["cell"]["sparse_training"].items():
        # A strength of 0 is left out of the settings.
        if settings.get(key, 0.0) != value:
            yield Fault(f"$.training.settings.{key}", f"{settings.get(key)} is not the cell's {value}")


def _kept_epoch(training: Training) -> int:
    """The last epoch with a penalty, the best one without; 0 where there is none."""
    return len(training["epochs"]) if "penalty" in training["settings"] else _best_epoch(training["epochs"])


def _best_epoch(epochs: Sequence[Epoch]) -> int:
    """The epoch of the highest accuracy, among equals of the lowest loss; 0 where there is none."""
    return (
        max(
            range(len(epochs)),
            key=lambda index: (epochs[index]["selection_accuracy"], -epochs[index]["selection_loss"]),
            default=-1,
        )
        + 1
    )


def _selections_are_shares_of_images(document: TrainedDocument) -> Iterator[Fault]:
    images = document["images"]["selection"]
    for index, entry in enumerate(document["training"]["epochs"]):
        place = f"$.training.epochs[{index}].selection_accuracy"
        yield from _share_of_images(place, entry["selection_accuracy"], images, "one selection image")


def _best_trial_is_kept(document: TrainedDocument) -> Iterator[Fault]:
    training, trials = document["training"], document.get("tuning", [])
    if not trials:
        return
    reached = max(epoch["selection_accuracy"] for epoch in training["epochs"])
    if reached != (best := max(trial["selection_accuracy"] for trial in trials)):
        yield Fault("$.tuning", f"the best trial has {best}, but the training reached {reached}")
    kept = {name: training["settings"][name] for name in ("learning_rate", "epochs")}
    if {**kept, "selection_accuracy": reached} not in trials:
        yield Fault("$.tuning", "none of the trials has the settings and the best accuracy of the training")


def _within_half_a_pass(document: TrainedDocument) -> Iterator[Fault]:
    settings, images = document["training"]["settings"], document["images"]["train"]
    equal = document["equal_training"]
    spent, asked, sparse = equal["spent"], equal["asked"], images_trained_sparse(document["cell"], images)
    if equal.get("sparse", 0) != sparse:
        reason = f"{equal.get('sparse', 0)}, but the cell's sparse training has {sparse}"
        yield Fault("$.equal_training.sparse", reason)
    elif spent != sparse + equal["search"] + images_trained(settings, images):
        reason = f"{spent} is not the sum of the images of the search and the training"
        yield Fault("$.equal_training.spent", reason)
    elif abs(asked - spent) > images_in_a_pass(settings, images) / 2:
        yield Fault("$.equal_training.spent", f"{spent} is not within half an epoch of {asked}")


def _layers_shrink(document: PruneDocument | SpeedupDocument) -> Iterator[Fault]:
    for index, layer in enumerate(document["layers"]):
        if layer["kept"] > layer["channels"]:
            reason = f"{layer['kept']} is above the layer's {layer['channels']} channels"
            yield Fault(f"$.layers[{index}].kept", reason)


def _target_is_the_cells(document: PruneDocument) -> Iterator[Fault]:
    target = target_of(document["cell"])
    if target.kind == SPARSITY:
        key, asked = "sparsity", document["sparsity"].get("asked")
    else:
        key, asked = "budget", document["budget"]["asked"] if "budget" in document else None
    if asked != target.value:
        yield Fault(f"$.{key}.asked", f"{asked} is not the cell's {target.kind}, {target.value}")


def _within_budget(document: PruneDocument) -> Iterator[Fault]:
    budget = document.get("budget")
    if budget and budget["reached"] > budget["asked"]:
        yield Fault("$.budget.reached", f"{budget['reached']} is above the asked {budget['asked']}")


def _counts_within_budget(document: CountDocument) -> Iterator[Fault]:
    target, flops = target_of(document["cell"]), document["flops"]
    if target.kind == "flops" and flops["speedup"] / flops["original"] > target.value:
        yield Fault("$.flops.speedup", f"{flops['speedup']} is above {target.value} of {flops['original']}")


def _counters_agree(document: CountDocument) -> Iterator[Fault]:
    second = document["second_counter"]
    for name, first, other in (
        ("params", document["params"], second["params"]),
        ("conv_linear_macs", document["conv_linear_macs"], second["conv_linear_macs"]),
    ):
        for net, count in first.items():
            if (found := dict(other)[net]) != count:
                reason = f"{found} differs from the first counter's {count}"
                yield Fault(f"$.second_counter.{name}.{net}", reason)


def _judged_by_the_settings_images(document: SensitivityDocument) -> Iterator[Fault]:
    images, asked = document["images"]["selection"], document["settings"].get("images")
    if document["judged"] != (expected := min(asked or images, images)):
        yield Fault("$.judged", f"{document['judged']}, but the settings and the images give {expected}")


def _each_group_is_pruned_at_each_rate(document: SensitivityDocument) -> Iterator[Fault]:
    rates = document["settings"]["rates"]
    if rates != sorted(rates):
        yield Fault("$.settings.rates", "the rates do not rise")
    for index, group in enumerate(document["groups"]):
        place = f"$.groups[{index}].points"
        if [point["rate"] for point in group["points"]] != rates:
            yield Fault(place, "not one point per rate of the settings, in their order")
        known = {0: document["original"]}
        for number, point in enumerate(group["points"]):
            removed, accuracy = point["removed"], point["accuracy"]
            if removed != (expected := int(group["channels"] * point["rate"])):
                reason = f"{removed}, but {point['rate']} of {group['channels']} filters are {expected}"
                yield Fault(f"{place}[{number}].removed", reason)
            if accuracy != (other := known.setdefault(removed, accuracy)):
                reason = f"{accuracy}, but {other} where as many filters are removed"
                yield Fault(f"{place}[{number}].accuracy", reason)


def _sensitivities_are_shares_of_images(document: SensitivityDocument) -> Iterator[Fault]:
    found = {"$.original": document["original"]}
    for index, group in enumerate(document["groups"]):
        for number, point in enumerate(group["points"]):
            found[f"$.groups[{index}].points[{number}].accuracy"] = point["accuracy"]
    for place, accuracy in found.items():
        yield from _share_of_images(place, accuracy, document["judged"], "one judging image")


def _timed_where_it_was_made(document: Mapping[str, Any]) -> Iterator[Fault]:
    # Documents of earlier versions record the machine once.
    if document["provenance"].get("machine", document["machine"]) != document["machine"]:
        yield Fault("$.machine", "another machine than in $.provenance.machine")


def _a_time_for_each_point(document: LatencyTableDocument) -> Iterator[Fault]:
    for index, layer in enumerate(document["layers"]):
        shape = [len(row) for row in layer["milliseconds"]]
        if shape != len(layer["inputs"]) * [len(layer["outputs"])]:
            reason = "not one row per input count with one value per output count"
            yield Fault(f"$.layers[{index}].milliseconds", reason)


def _sparsities_rise(document: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[Fault]:
    for pruner, cells in document.items():
        sparsities = [cell["sparsity" if "sparsity" in cell else "budget"] for cell in cells]
        if sparsities != sorted(set(sparsities)):
            yield Fault(f"$.{pruner}", "the cells are not in order of rising sparsity, one per sparsity")


def _settings_are_listed(document: Mapping[str, Any]) -> Iterator[Fault]:
    for name, entry in document["files"].items():
        if entry["settings"] not in document["settings"]:
            yield Fault(f"$.files.{name}.settings", "not one of the listed settings")
    for digest, settings in document["settings"].items():
        if settings_digest(settings) != digest:
            yield Fault(f"$.settings.{digest}", "other settings than its digest is of")


# Each takes the documents of its kind.
Rule = Callable[[Any], Iterator[Fault]]

TRAINED: tuple[Rule, ...] = (_accuracies_are_shares_of_test_images, _epochs_are_those_of_the_settings)
RULES: dict[str, tuple[Rule, ...]] = {
    # That of the fine-tuned unpruned net, too.
    "baseline": (*TRAINED, _best_trial_is_kept),
    "sparse": (*TRAINED, _settings_are_the_cells),
    "prune": (_accuracies_are_shares_of_test_images, _layers_shrink, _target_is_the_cells, _within_budget),
    "trajectory": (),
    "speedup": (_accuracies_are_shares_of_test_images, _layers_shrink),
    "count": (
        _never_above_original,
        _counters_agree,
        _counts_within_budget,
        _counted_on_the_cells_images,
    ),
    "latency": (_timed_where_it_was_made,),
    "latency_table": (_a_time_for_each_point, _timed_where_it_was_made),
    "finetune": (*TRAINED, _best_trial_is_kept),
    "equal": (*TRAINED, _best_trial_is_kept, _within_half_a_pass),
    "scratch": TRAINED,
    "sensitivity": (
        _judged_by_the_settings_images,
        _each_group_is_pruned_at_each_rate,
        _sensitivities_are_shares_of_images,
    ),
    "export": (),
    "int8": (_accuracies_are_shares_of_test_images, _timed_where_it_was_made),
    "result": (_never_above_original,),
    "comparison": (_sparsities_rise,),
    "digests": (),
    "manifest": (_settings_are_listed,),
    "reproduction": (),
    "verdicts": (),
    "audit": (),
    "leads": (),
    "ranking": (),
    "merged": (),
    "validation": (),
}
