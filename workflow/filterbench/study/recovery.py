"""Rules of a study about how its nets recover from pruning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from filterbench.documents.schemas import Fault
from filterbench.domain.spending import distils
from filterbench.study.cells import (
    REWIND,
    Config,
    place_of_setting,
    trained_again,
    training_settings,
)

ONE_IMAGE = "1; a variance needs at least 2 images (0: no recalibration)"


@dataclass(frozen=True)
class _Finetuning:
    """The fine-tuning of a model's nets by a pruner; that of the unpruned net has no pruner."""

    config: Config
    model: str
    pruner: str

    @cached_property
    def settings(self) -> Config:
        return training_settings(self.config, "finetune", self.model, self.pruner)

    @cached_property
    def baseline(self) -> Config:
        return training_settings(self.config, "baseline", self.model)

    @property
    def own_weights(self) -> bool:
        return bool(self.config["models"][self.model].get("weights"))

    @property
    def from_scratch(self) -> bool:
        """Whether fresh weights are trained as in this fine-tuning."""
        return bool(self.pruner) and "scratch-finetune" in trained_again(self.config, self.pruner)

    def place(self, key: str) -> str:
        """Where the study gives a setting of this fine-tuning."""
        return place_of_setting(self.config, "finetune", key, self.model, self.pruner)


def _nothing_recovers(each: _Finetuning) -> Iterator[Fault]:
    """Neither epochs nor a recalibration."""
    if not each.settings["epochs"] and not each.settings.get("recalibrate"):
        place = each.place("recalibrate" if "recalibrate" in each.settings else "epochs")
        allowed = "allowed: epochs from 1, or recalibrate from 2"
        yield Fault(place, f"0 leaves nothing to fine-tune; {allowed}")


def _untrained_teacher(each: _Finetuning) -> Iterator[Fault]:
    """Distillation from a net that nobody has trained."""
    if distils(each.settings) and not each.baseline["epochs"] and not each.own_weights:
        reason = f"the teacher, {each.model}, is not trained; give it baseline.epochs above 0, or own weights"
        yield Fault(each.place("distillation"), reason)


def _impossible_rewinding(each: _Finetuning) -> Iterator[Fault]:
    """Fine-tunings that cannot repeat the last epochs of their baseline."""
    if "schedule_epochs" not in each.settings:
        return
    schedule = each.place("schedule")
    if each.own_weights:
        yield Fault(schedule, f"{REWIND}: the schedule of {each.model}'s own weights is not known")
    if (size := each.settings["batch_size"]) != (needed := each.baseline["batch_size"]):
        reason = f"{size}; {REWIND} repeats the baseline's steps, and needs its batch size, {needed}"
        yield Fault(each.place("batch_size"), reason)
    if each.from_scratch:
        reason = f"finetune of {each.pruner}: fresh weights have nothing to {REWIND}; allowed: the others"
        yield Fault("$.scratch", reason)
    pruners, models = "$.finetune.pruners.", "$.finetune.models."
    rate = each.place("learning_rate")
    if rate.startswith(pruners) or (rate.startswith(models) and not schedule.startswith(pruners)):
        yield Fault(rate, f"{schedule.removeprefix('$.')}: {REWIND} takes the baseline's; remove it")
    tuned = each.config["finetune"].get("tuning", {})
    if "learning_rate" in tuned:
        reason = f"{REWIND} ({schedule.removeprefix('$.')}) takes the baseline's; tune the epochs only"
        yield Fault("$.finetune.tuning.learning_rate", reason)
    asked = {
        each.place("epochs"): [each.settings["epochs"]],
        "$.training_budgets": each.config.get("training_budgets", []),
        "$.finetune.tuning.epochs": tuned.get("epochs", []),
    }
    there = each.settings["schedule_epochs"]
    for place, epochs in asked.items():
        if max(epochs, default=0) > there:
            yield Fault(place, f"{max(epochs)}; the baseline of {each.model} has only {there} to {REWIND}")


def _recalibration_and_training(each: _Finetuning) -> Iterator[Fault]:
    """Recalibration alone, beside settings that are about a training."""
    images = each.settings.get("recalibrate", 0)
    if not images:
        return
    if images == 1:
        yield Fault(each.place("recalibrate"), ONE_IMAGE)
    if epochs := each.settings["epochs"]:
        reason = f"{epochs}; recalibrate trains nothing: set epochs to 0, or recalibrate to 0"
        yield Fault(each.place("epochs"), reason)
    refused = {
        each.place("distillation"): distils(each.settings),
        "$.finetune.tuning": "tuning" in each.config["finetune"],
        "$.training_budgets": "training_budgets" in each.config,
        "$.equal_training": "equal_training" in each.config,
        "$.scratch": each.from_scratch,
    }
    for place, asked in refused.items():
        if asked:
            who = each.place("recalibrate").removeprefix("$.")
            yield Fault(place, f"asks for training, but {who} trains nothing; remove one of the two")


def _searches_recalibrated_on_one_image(config: Config) -> Iterator[Fault]:
    """The same number of images in the search of the study, or of a pruner."""
    own = {f"$.pruners.{name}": settings for name, settings in config["pruners"].items()}
    for place, settings in {"$": config, **own}.items():
        if settings.get("search", {}).get("recalibrate") == 1:
            yield Fault(f"{place}.search.recalibrate", ONE_IMAGE)


def recovery_faults(config: Config) -> Iterator[Fault]:
    """Settings of recoveries that contradict each other, or the rest of the study; each is named once."""
    pruners = [*config["pruners"], *([""] if config.get("finetune_unpruned") else [])]
    rules = (_nothing_recovers, _untrained_teacher, _impossible_rewinding, _recalibration_and_training)
    found = {
        fault: None
        for model in config["models"]
        for pruner in pruners
        for rule in rules
        for fault in rule(_Finetuning(config, model, pruner))
    }
    yield from found
    yield from _searches_recalibrated_on_one_image(config)
