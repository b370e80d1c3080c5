"""The check of a study's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from filterbench.data.registry import DATASETS
from filterbench.documents.schemas import Fault, refuse, schema_faults
from filterbench.models import torchvision_nets
from filterbench.models.registry import MODELS
from filterbench.pruners.registry import PRUNERS
from filterbench.study.cells import Config
from filterbench.study.consistency import CELL_RULES, SETTINGS_RULES
from filterbench.study.recovery import recovery_faults


def check_config(config: Config, source: str) -> None:
    """Refuse a configuration that the workflow could not run.

    Args:
        config: the content of the YAML file.
        source: name of the file, for the error.

    Raises:
        InputError: one line that names the file, each faulty key and what is allowed.
    """
    # Each group of rules relies on the one before it.
    refuse(source, list(schema_faults("config", config)))
    for rules in ((_unknown_names,), SETTINGS_RULES, (recovery_faults,), CELL_RULES):
        refuse(source, [fault for rule in rules for fault in rule(config)])


def _unknown_names(config: Config) -> Iterator[Fault]:
    yield from _unknown("dataset.name", [config["dataset"]["name"]], DATASETS)
    yield from _unknown_models(config["models"])
    yield from _unknown("pruners", config["pruners"], PRUNERS)
    for name, pruner in config["pruners"].items():
        for key in ("sparsities", "models"):
            yield from _unknown(f"pruners.{name}.{key}", pruner.get(key, {}), MODELS)
    yield from _unknown("baseline.models", config["baseline"].get("models", {}), MODELS)
    yield from _unknown("finetune.models", config["finetune"].get("models", {}), MODELS)
    yield from _unknown("finetune.pruners", config["finetune"].get("pruners", {}), config["pruners"])
    yield from _unknown(
        "equal_training.as", config.get("equal_training", {}).get("as", []), config["pruners"]
    )


def _unknown(key: str, names: Iterable[str], registry: Iterable[str]) -> Iterator[Fault]:
    for name in names:
        if name not in registry:
            yield Fault(f"$.{key}", f"unknown {name!r}; allowed: {', '.join(registry)}")


def _unknown_models(names: Iterable[str]) -> Iterator[Fault]:
    """Models that do not exist; for those of torchvision, the reason."""
    theirs = [name for name in names if str(name).startswith(torchvision_nets.PREFIX) and name not in MODELS]
    yield from _unknown("models", [name for name in names if name not in theirs], MODELS)
    allowed = ", ".join(torchvision_nets.MODELS)
    for name in theirs:
        yield Fault("$.models", f"{name!r} {torchvision_nets.why_refused(name)}; allowed: {allowed}")
