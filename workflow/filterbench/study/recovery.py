"""Rules of a study about how its nets recover from pruning."""

from __future__ import annotations

from collections.abc import Iterator

from filterbench.documents.schemas import Fault
from filterbench.domain.spending import distils
from filterbench.study.cells import Config, training_settings


def _untrained_teacher(config: Config) -> Iterator[Fault]:
    """Distillation from a net that nobody has trained."""
    for model, pruner in _finetunings(config):
        epochs = training_settings(config, "baseline", model)["epochs"]
        trained = epochs or config["models"][model].get("weights")
        if not trained and distils(training_settings(config, "finetune", model, pruner)):
            reason = f"the teacher, {model}, is not trained; give it baseline.epochs above 0, or own weights"
            yield Fault(_place(config, model, pruner, "distillation"), reason)
            return


def _finetunings(config: Config) -> Iterator[tuple[str, str]]:
    """Model and pruner of each fine-tuning; that of the unpruned net has no pruner."""
    pruners = [*config["pruners"], *([""] if config.get("finetune_unpruned") else [])]
    return ((model, pruner) for model in config["models"] for pruner in pruners)


def _place(config: Config, model: str, pruner: str, key: str) -> str:
    """Where the study gives a setting of a fine-tuning."""
    finetune = config["finetune"]
    for part, name in (("pruners", pruner), ("models", model)):
        if key in finetune.get(part, {}).get(name, {}):
            return f"$.finetune.{part}.{name}.{key}"
    return f"$.finetune.{key}"


RECOVERY_RULES = (_untrained_teacher,)
