"""Several fine-tuning budgets in one study: their settings, their bills and their columns."""

import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from finetunings import finetuning_job
from test_stages import LIMITS, NARROW, TRAINING, run_cell

from filterbench.data.loading import load_splits
from filterbench.documents import read, write
from filterbench.forecasting.expected import expected_work
from filterbench.integrity.files import changed_files
from filterbench.integrity.settings import other_settings
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan
from filterbench.results.bills import bills
from filterbench.stages.compare import compare
from filterbench.stages.finetune import finetune
from filterbench.storage.errors import InputError
from filterbench.study.cells import cell_documents, scratch_settings, training_settings
from filterbench.study.config import check_config

PRUNER = "L1FilterPruner"


def test_a_study_with_budgets_asks_for_a_fine_tuning_and_a_training_from_scratch_at_each(default_config):
    config = default_config | {"training_budgets": [4, 40], "scratch": ["budgets"]}
    check_config(config, "mine.yaml")
    again = cell_documents(config, PRUNER)[5:]
    assert again == ["finetune-4", "finetune-40", "scratch-2", "scratch-4", "scratch-40"]
    asked = scratch_settings(config, "40", "vgg16", PRUNER)
    baseline = training_settings(config, "baseline", "vgg16")
    assert asked == baseline | {"epochs": baseline["epochs"] + 40}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"training_budgets": [2]},
            "training_budgets: 2 is finetune.epochs, which is a training budget",
        ),
        ({"training_budgets": []}, r"training_budgets: \[\] should be non-empty"),
        ({"training_budgets": [0]}, r"training_budgets\[0\]: 0 is less than the minimum of 1"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(changes, expected, default_config):
    with pytest.raises(InputError, match=expected):
        check_config(default_config | changes, "mine.yaml")


def test_tuned_epochs_leave_no_budget(default_config):
    default_config["finetune"]["tuning"] = {"epochs": [1, 2]}
    with pytest.raises(InputError, match="tuning.epochs: training_budgets determines the epochs"):
        check_config(default_config | {"training_budgets": [4]}, "mine.yaml")


@pytest.fixture(scope="module")
def cell(digits_file, tmp_path_factory):
    """A cell, fine-tuned for its study's epochs, and at training budgets of as many and of twice them."""
    folder = tmp_path_factory.mktemp("cell") / "0.5"
    run_cell("cpu", "AutoCompressPruner", digits_file, folder, **NARROW)
    for epochs in (TRAINING["epochs"], 2 * TRAINING["epochs"]):
        training = TRAINING | {"epochs": epochs}
        finetune(finetuning_job(folder, digits_file, f"finetune-{epochs}", limits=LIMITS, training=training))
    return folder


def test_a_budget_of_the_studys_own_epochs_gives_the_cells_bytes(cell):
    own = TRAINING["epochs"]
    for suffix in ("json", "safetensors", "correct"):
        assert (cell / f"finetune-{own}.{suffix}").read_bytes() == (cell / f"finetune.{suffix}").read_bytes()
    assert read(cell / f"finetune-{2 * own}.json")["training"]["settings"]["epochs"] == 2 * own


def test_which_images_a_net_got_right_is_vouched_for_at_every_budget(cell, digits_file, tmp_path):
    own = TRAINING["epochs"]
    document = read(cell / f"finetune-{2 * own}.json")
    folder = tmp_path / "results/mine/vgg16/seed-0/AutoCompressPruner/0.5"
    folder.mkdir(parents=True)
    for name in (f"finetune-{2 * own}.json", f"finetune-{2 * own}.correct"):
        shutil.copy(cell / name, folder)
    path = folder / f"finetune-{2 * own}.json"

    def faults() -> list[str]:
        found = changed_files(path, "finetune", document, tmp_path, str(digits_file), Counter())
        return [each.path for each in found]

    assert faults() == []
    path.with_suffix(".correct").write_bytes(b"another")
    assert faults() == ["$.correct"]


def row_of(cell: Path, folder: Path, *again: str) -> pd.Series:
    """The cell's row of a table with its trainings beyond the fine-tuning."""
    names = {"collection": "comparison.json", "table": "comparison.csv", "digests": "digests.json"}
    outputs = {name: folder / file for name, file in names.items()}
    beyond = {"AutoCompressPruner": list(again)}
    compare(Job({}, outputs, {"cells": [cell], "again": beyond, "unpruned": False}))
    return pd.read_csv(outputs["table"]).iloc[0]


@pytest.mark.parametrize(("blind", "expected"), [(0, False), (2, False), (3, True)])
def test_a_search_is_blind_where_every_choice_was(blind, expected, cell, tmp_path):
    copy = shutil.copytree(cell, tmp_path / "0.5")
    document = read(copy / "prune.json")
    document["scores"] |= {"choices": 3, "blind_choices": blind}
    write(copy / "prune.json", document)
    row = row_of(copy, tmp_path)
    assert (row["search_choices"], row["search_blind_choices"], row["search_blind"]) == (3, blind, expected)


def test_both_bills_stand_beside_the_accuracy_of_each_budget(cell, tmp_path):
    own = TRAINING["epochs"]
    row = row_of(cell, tmp_path, f"finetune-{2 * own}")
    longer = read(cell / f"finetune-{2 * own}.json")
    assert row[f"performance_finetuned_{2 * own}"] == longer["performance"]["finetuned"]
    assert row[f"performance_finetuned_{own}"] == row["performance_finetuned"]
    assert row[f"images_after_cut_{2 * own}"] == 2 * row["images_after_cut"] > 0
    search = row["images_trained"] + round(row["images_evaluated"] / 3)
    assert row["images_trained"] > 0
    assert row["images_evaluated"] > 0
    for suffix in ("", f"_{own}", f"_{2 * own}"):
        assert row[f"images_paid{suffix}"] == row[f"images_after_cut{suffix}"] + search


def test_every_fine_tuning_that_was_tried_is_paid_for():
    prune = {"cell": {}, "cost": {"images_trained": 1000, "images_evaluated": 300, "evaluations": 3}}
    training = {"settings": {"epochs": 2, "batch_size": 10}}
    trained = {"training": training, "images": {"train": 105}, "tuning": [{"epochs": 2}, {"epochs": 5}]}
    # Ten whole batches a pass.
    assert bills(prune, trained) == {"images_after_cut": 200, "images_paid": 1000 + 100 + 700}


def test_the_forecast_counts_every_budget(default_config, few_images):
    config = default_config | {
        "models": {"vgg16": {"width": 1 / 16}},
        "sparsities": [0.5],
        "pruners": {PRUNER: {}},
        "seeds": [0],
        "training_budgets": [7],
        "scratch": ["budgets"],
    }
    for stage in ("baseline", "finetune"):
        config[stage] = config[stage] | {"batch_size": 20, "epochs": 2}
    found = {work.document: work for work in expected_work(config, few_images)}
    passes = {name: work.trained / 40 for name, work in found.items()}
    folder = f"{PRUNER}/0.5"
    assert passes[f"{folder}/finetune-7.json"] == 7
    assert passes[f"{folder}/scratch-2.json"] == 2 + 2
    assert passes[f"{folder}/scratch-7.json"] == 2 + 7
    assert found[f"{folder}/finetune-7.json"].stage == "finetune_longer"


def test_validate_knows_the_settings_of_a_budget(default_config, tmp_path):
    config = default_config | {"training_budgets": [7], "scratch": ["budgets"]}
    folder = tmp_path / f"results/default/vgg16/seed-0/{PRUNER}/0.5"
    tuned = training_settings(config, "finetune", "vgg16", PRUNER) | {"epochs": 7}
    fresh = scratch_settings(config, "7", "vgg16", PRUNER)
    for name, asked in (("finetune-7", tuned), ("scratch-7", fresh)):
        sound = {name: {"training": {"settings": asked}}}
        assert list(other_settings(Plan(config), folder, sound)) == []
        other = {name: {"training": {"settings": asked | {"epochs": 8}}}}
        (finding,) = other_settings(Plan(config), folder, other)
        assert finding.path == "$.training.settings.epochs"


def test_seeds_train_on_disjoint_parts(default_config, digits_file):
    default_config["dataset"] |= {"train_images": 100, "train_subsets": 2, "validation_images": 20}
    check_config(default_config, "mine.yaml")
    plan = Plan(default_config)
    parts = [load_splits(digits_file, "validation", plan.limits_of(seed), "cpu") for seed in (0, 1, 2)]
    whole = load_splits(digits_file, "validation", {"train": 200}, "cpu").train.pixels
    assert whole[:100].equal(parts[0].train.pixels)
    assert whole[100:].equal(parts[1].train.pixels)
    assert parts[0].train.pixels.equal(parts[2].train.pixels)
    assert parts[0].selection.pixels.equal(parts[1].selection.pixels)
    assert [splits.document()["train_part"] for splits in parts] == [0, 1, 0]
    with pytest.raises(InputError, match="dataset.train_images: 2 parts of 1000 are more than the"):
        load_splits(digits_file, "validation", {"train": 1000, "train_part": 1}, "cpu")


def test_parts_need_a_size(default_config):
    default_config["dataset"]["train_subsets"] = 2
    with pytest.raises(
        InputError, match="train_subsets: needs dataset.train_images, the size of each subset"
    ):
        check_config(default_config, "mine.yaml")
