"""Fine-tuning with the last epochs of the baseline's schedule, and what documents and checks say of it."""

import shutil
from dataclasses import replace

import pytest
import torch
from finetunings import finetuning_job, other_than_asked
from test_stages import LIMITS, NARROW, TRAINING, made_cell
from test_training import SETTINGS, InterruptingCheckpoint, InterruptionError, fresh_net

from filterbench.documents import check, read
from filterbench.integrity.agreement import other_rates
from filterbench.making.spending import Spending
from filterbench.pruners.contract import InfeasibleError
from filterbench.stages.finetune import finetune
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.errors import InputError
from filterbench.storage.stopwatch import Stopwatch
from filterbench.study.cells import budget_settings, training_settings
from filterbench.study.config import check_config
from filterbench.training.loop import train

PRUNER = "L1FilterPruner"


def rates(record) -> list[float]:
    return [epoch["learning_rate"] for epoch in record.epochs]


@pytest.mark.parametrize("schedule", ["one-cycle", "multistep", "cosine"])
@pytest.mark.parametrize("epochs", [1, 3, 6])
def test_a_rewound_training_has_the_rates_of_the_last_epochs(schedule, epochs, few_images):
    whole = replace(SETTINGS, schedule=schedule, epochs=6)
    expected = rates(train(fresh_net(), few_images, whole, seed=0))
    rewound = replace(whole, epochs=epochs, schedule_epochs=6)
    assert rates(train(fresh_net(), few_images, rewound, seed=0)) == expected[-epochs:]


def test_an_interrupted_rewound_training_ends_with_the_same_weights(few_images, tmp_path):
    settings, path = replace(SETTINGS, schedule_epochs=9), tmp_path / "checkpoint"

    def trained(checkpoint=None):
        model = fresh_net()
        return train(model, few_images, settings, 0, checkpoint), model.state_dict()

    expected, weights = trained()
    with pytest.raises(InterruptionError):
        trained(InterruptingCheckpoint(path, "key", Stopwatch(), interval=0))
    record, resumed = trained(Checkpoint(path, "key", Stopwatch(), interval=0))
    assert record == expected
    assert all(torch.equal(resumed[name], tensor) for name, tensor in weights.items())


@pytest.fixture
def config(default_config) -> dict:
    """A study in which one pruner's nets are rewound."""
    default_config["finetune"]["pruners"] = {PRUNER: {"schedule": "rewind"}}
    return default_config


def test_a_study_takes_schedule_and_rate_from_the_models_baseline(config):
    config["baseline"]["models"] = {"resnet18": {"learning_rate": 0.3, "epochs": 7, "schedule": "cosine"}}
    check_config(config, "mine.yaml")
    own = training_settings(config, "finetune", "resnet18", PRUNER)
    rewound = {"learning_rate": 0.3, "schedule_epochs": 7, "schedule": "cosine"}
    plain = {key: value for key, value in config["finetune"].items() if key != "pruners"}
    assert own == plain | rewound
    assert training_settings(config, "finetune", "vgg16", PRUNER)["schedule_epochs"] == 6
    assert budget_settings(config, 4, "resnet18", PRUNER) == own | {"epochs": 4}
    assert training_settings(config, "finetune", "resnet18", "FPGMPruner") == plain


@pytest.fixture(scope="module")
def documents(digits_file, tmp_path_factory) -> dict:
    """A cell's document after one rewound epoch, and its baseline's, which had two."""
    folder = tmp_path_factory.mktemp("cell") / "0.5"
    shutil.copytree(made_cell("cpu", PRUNER, digits_file, **NARROW), folder)
    training = TRAINING | {"epochs": 1, "schedule_epochs": TRAINING["epochs"]}
    finetune(finetuning_job(folder, digits_file, "finetune-1", limits=LIMITS, training=training))
    return {name: read(folder / f"{name}.json") for name in ("baseline", "finetune-1")}


def test_a_document_records_the_schedule_and_its_rates_are_compared_with_the_baseline(documents, tmp_path):
    rewound = documents["finetune-1"]
    assert rewound["training"]["settings"] == TRAINING | {"epochs": 1, "schedule_epochs": TRAINING["epochs"]}

    def found(document) -> list[str]:
        places = other_rates(tmp_path, {"finetune-1": document}, documents["baseline"])
        return [finding.path for finding in places]

    assert found(rewound) == []
    (epoch,) = rewound["training"]["epochs"]
    changed = rewound | {"training": rewound["training"] | {"epochs": [epoch | {"learning_rate": 1e-5}]}}
    assert found(changed) == ["$.training.epochs[0].learning_rate"]


def test_no_document_has_more_epochs_than_its_rewound_schedule(documents):
    rewound = documents["finetune-1"]
    assert check("finetune", rewound) == []
    longer = [
        *rewound["training"]["epochs"],
        rewound["training"]["epochs"][0] | {"epoch": 2, "selection_accuracy": 0},
    ]
    training = rewound["training"] | {"epochs": longer}
    training["settings"] = training["settings"] | {"epochs": 2, "schedule_epochs": 1}
    (fault,) = check("finetune", rewound | {"training": training})
    assert fault.reason == "2 is above the 1 of the rewound schedule"


def test_validate_compares_the_schedule(config):
    asked = training_settings(config, "finetune", "vgg16", PRUNER)
    assert other_than_asked(config, PRUNER, asked) == []
    others = other_than_asked(config, PRUNER, asked | {"schedule_epochs": 9})
    assert others == ["$.training.settings.schedule_epochs"]
    plain = training_settings(config, "finetune", "vgg16", "FPGMPruner")
    others = [f"$.training.settings.{key}" for key in ("learning_rate", "schedule_epochs")]
    assert other_than_asked(config, PRUNER, plain) == others


def test_equal_training_that_is_longer_than_the_baseline_is_infeasible():
    settings = {"epochs": 2, "batch_size": 64, "schedule_epochs": 6}
    assert Spending(asked=6 * 128, search=0, images=130).epochs(settings) == 6
    with pytest.raises(InfeasibleError, match="7 epochs after the last cut, but the baseline has only 6"):
        Spending(asked=7 * 128, search=0, images=130).epochs(settings)


def test_a_models_own_rate_is_of_use_to_the_pruners_that_are_not_rewound(config):
    config["finetune"]["models"] = {"vgg16": {"learning_rate": 0.02}}
    check_config(config, "mine.yaml")
    rates = {
        name: training_settings(config, "finetune", "vgg16", name)["learning_rate"]
        for name in config["pruners"]
    }
    assert rates == dict.fromkeys(config["pruners"], 0.02) | {PRUNER: config["baseline"]["learning_rate"]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"finetune": {"epochs": 7}}, "finetune.epochs: 7; the baseline of vgg16 has only 6 to rewind"),
        ({"training_budgets": [4, 8]}, "training_budgets: 8; the baseline of vgg16 has only 6"),
        ({"finetune": {"tuning": {"epochs": [3, 9]}}}, "finetune.tuning.epochs: 9; the baseline"),
        (
            {"finetune": {"tuning": {"learning_rate": [0.1, 0.2]}}},
            rf"tuning.learning_rate: rewind \(finetune.pruners.{PRUNER}.schedule\) takes the baseline's",
        ),
        ({"finetune": {"batch_size": 32}}, "finetune.batch_size: 32; rewind .* needs its batch size, 64"),
        ({"scratch": ["finetune"]}, f"scratch: finetune of {PRUNER}: fresh weights have nothing to rewind"),
        ({"models": {"vgg16": {"width": 1, "weights": "mine.pt"}}}, "schedule of vgg16's own weights"),
        ({"baseline": {"schedule": "rewind"}}, "baseline.schedule: 'rewind' is not one of"),
        (
            {"finetune": {"pruners": {PRUNER: {"schedule": "rewind", "learning_rate": 0.1}}}},
            rf"{PRUNER}.learning_rate: finetune.pruners.{PRUNER}.schedule: rewind takes the baseline's",
        ),
        (
            {"finetune": {"schedule": "rewind", "models": {"vgg16": {"learning_rate": 0.1}}, "pruners": {}}},
            "finetune.models.vgg16.learning_rate: finetune.schedule: rewind takes the baseline's",
        ),
    ],
)
def test_a_rewinding_that_makes_no_sense_is_refused(changes, expected, config):
    check_config(config, "mine.yaml")
    for key, change in changes.items():
        config[key] = config[key] | change if isinstance(config.get(key), dict) else change
    with pytest.raises(InputError, match=expected):
        check_config(config, "mine.yaml")
