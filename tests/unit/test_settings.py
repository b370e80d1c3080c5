"""Which settings of a document `validate` compares with the study's, and which its job chose."""

from pathlib import Path

import pytest

from filterbench.integrity.settings import other_settings
from filterbench.orchestration.plan import Plan
from filterbench.study.cells import Config, pruner_arguments, search_settings, training_settings

SEED = Path("results/default/vgg16/seed-0")
CELL = SEED / "L1FilterPruner/0.5"
PATH = SEED / "NetAdaptPruner/sparsity"


@pytest.fixture
def config(default_config) -> Config:
    return default_config | {"scratch": ["finetune", "baseline", "total"]}


def trained(config: Config, stage: str, **changes) -> dict:
    """A document of a training with the study's settings, but for some."""
    settings = training_settings(config, stage, "vgg16", "" if stage == "baseline" else "L1FilterPruner")
    return {"training": {"settings": settings | changes}}


def found(config: Config, folder: Path, name: str, document: dict) -> list[str]:
    return [finding.path for finding in other_settings(Plan(config), folder, {name: document})]


@pytest.mark.parametrize(
    ("folder", "name", "stage"),
    [
        (SEED / "baseline", "baseline", "baseline"),
        (SEED / "baseline", "baseline-finetune", "finetune"),
        (CELL, "finetune", "finetune"),
        (CELL, "equal", "finetune"),
        (CELL, "scratch-finetune", "finetune"),
        (CELL, "scratch-baseline", "baseline"),
        (CELL, "scratch-total", "baseline"),
    ],
)
def test_every_trainings_settings_are_those_of_its_stage(folder, name, stage, config):
    assert found(config, folder, name, trained(config, stage)) == []
    other = trained(config, stage, learning_rate=0.33, nesterov=True)
    assert found(config, folder, name, other) == [
        "$.training.settings.learning_rate",
        "$.training.settings.nesterov",
    ]
    counted_out = [] if name in ("equal", "scratch-total") else ["$.training.settings.epochs"]
    assert found(config, folder, name, trained(config, stage, epochs=77)) == counted_out


@pytest.mark.parametrize("stage", ["baseline", "finetune"])
def test_each_setting_of_a_training_is_compared(stage, config):
    recovery = {"recalibrate": 64, "distillation": {"weight": 0.5, "temperature": 4}, "schedule_epochs": 3}
    config[stage] |= recovery
    folder = SEED / "baseline" if stage == "baseline" else CELL
    asked = training_settings(config, stage, "vgg16")
    assert recovery.items() <= asked.items()
    for key in asked:
        other = {key: "another"}
        assert found(config, folder, stage, trained(config, stage, **other)) == [f"$.training.settings.{key}"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [(CELL, "latency"), (CELL, "int8"), (SEED.parent, "latency_table"), (SEED / "baseline", "sensitivity")],
)
def test_each_setting_of_what_is_made_on_request_is_compared(folder, name, config):
    asked = getattr(Plan(config), name)
    assert found(config, folder, name, {"settings": asked}) == []
    for key in asked:
        other = {"settings": asked | {key: "another"}}
        assert found(config, folder, name, other) == [f"$.settings.{key}"]


def test_the_multiple_of_channels_is_compared(config):
    document = {"arguments": pruner_arguments(config, "L1FilterPruner", "vgg16")}
    for multiple in (1, 8):
        rounded = config | {"round_channels": multiple}
        assert found(rounded, CELL, "prune", document | {"round_channels": multiple}) == []
        assert found(rounded, CELL, "prune", document | {"round_channels": 4}) == ["$.round_channels"]


def test_a_job_chooses_what_is_tuned_and_own_weights_are_not_trained(config):
    config["finetune"]["tuning"] = {"learning_rate": [0.1, 0.05]}
    trials = {"tuning": [{"learning_rate": rate} for rate in (0.1, 0.05)]}
    tuned = trained(config, "finetune", learning_rate=0.1) | trials
    assert found(config, CELL, "finetune", tuned) == []
    assert found(config, CELL, "finetune", tuned | {"tuning": trials["tuning"][:1]}) == ["$.tuning"]
    others = {"tuning": [trial | {"epochs": 77} for trial in trials["tuning"]]}
    not_tuned = ["$.tuning[0].epochs", "$.tuning[1].epochs"]
    for folder, name in (
        (CELL, "finetune"),
        (CELL, "equal"),
        (SEED / "baseline", "baseline-finetune"),
    ):
        assert found(config, folder, name, tuned | others) == not_tuned
    own = trained(config, "baseline", epochs=0)
    assert found(config, SEED / "baseline", "baseline", own) == ["$.training.settings.epochs"]
    assert found(config, SEED / "baseline", "baseline", own | {"own_weights": {}}) == []


@pytest.mark.parametrize(("folder", "name"), [(PATH, "trajectory"), (PATH.parent / "0.5", "prune")])
def test_a_searchs_arguments_and_settings_are_compared_where_there_are_any(folder, name, config):
    asked = {
        "arguments": pruner_arguments(config, "NetAdaptPruner", "vgg16"),
        "search": search_settings(config, "NetAdaptPruner", "vgg16"),
    }
    assert found(config, folder, name, asked) == []
    other = {"arguments": asked["arguments"] | {"mine": 1}, "search": asked["search"] | {"batch_size": 7}}
    assert found(config, folder, name, other) == ["$.arguments.mine", "$.search.batch_size"]
    # A pruner that judges without a journal records no search.
    assert found(config, folder, name, {"arguments": asked["arguments"]}) == []


def test_a_matched_control_takes_arguments_from_the_searched_cell_and_what_is_gone_is_not_judged(config):
    config["pruners"]["RandomAllocationPruner"] = {}
    folder = SEED / "RandomAllocationPruner/0.5"
    own = {"arguments": pruner_arguments(config, "RandomAllocationPruner", "vgg16") | {"base_algo": "l2"}}
    assert found(config, folder, "prune", own) == []
    assert found(config, SEED / "GonePruner/0.5", "prune", {"arguments": {"mine": 1}}) == []
    assert found(config, CELL, "prune", {"infeasible": "no such net"}) == []
