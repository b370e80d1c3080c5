"""What a study will cost, and how far a run is."""

import os
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from filterbench.forecasting.expected import expected_work
from filterbench.forecasting.progress import Progress
from filterbench.forecasting.speed import speeds
from filterbench.study.paths import place_in_seed


def test_progress_counts_work_and_not_jobs(tmp_path):
    long, short, old = (tmp_path / f"{name}.json" for name in ("long", "short", "old"))
    old.touch()
    os.utime(old, (time.time() - 60, time.time() - 60))
    progress = Progress()
    progress.jobs = {long: 800.0, short: 100.0, old: 100.0}
    assert progress.line(60) == "progress: 0% of the work with nets, 0 of 3 jobs"
    short.touch()
    assert progress.line(60) == "progress: 10% of the work with nets, 1 of 3 jobs; about 9 min left"
    long.touch()
    # It went on from what a killed run had done of it: this study's work all the same.
    long.with_suffix(".benchmark.tsv").write_text("s\ts_earlier\n800.0\t700.0\n")
    assert progress.line(1800) == "progress: 90% of the work with nets, 2 of 3 jobs; about 3 min left"
    # What another study has made is no work of this run.
    taken = tmp_path / "taken.json"
    taken.touch()
    taken.with_suffix(".benchmark.tsv").write_text("s\ts_earlier\n500.2\t500.0\n")
    progress.jobs[taken] = 9000.0
    assert progress.line(1800) == "progress: 90% of the work with nets, 2 of 3 jobs; about 3 min left"
    # A document that is to be made anew counts once that is done.
    old.touch()
    assert progress.line(1800) == "progress: 100% of the work with nets, 3 of 3 jobs"


def test_trainings_are_counted_as_the_stages_make_them(few_images, default_config):
    """Forty training images; AutoCompress's search has three rounds of three passes."""
    config = default_config | {
        "models": {"vgg16": {"width": 1 / 16}},
        "sparsities": [0.5],
        "seeds": [0, 1],
        "pruners": {
            "L1FilterPruner": {},
            "AutoCompressPruner": {"arguments": {"admm_num_iterations": 3, "admm_epochs_per_iteration": 1}},
        },
        "equal_training": {"as": ["AutoCompressPruner"]},
        "scratch": ["finetune", "total"],
    }
    trained = {"batch_size": 20, "learning_rate": 0.1, "epochs": 2}
    config["baseline"] = config["baseline"] | trained
    config["finetune"] = config["finetune"] | trained | {"tuning": {"learning_rate": [0.1, 0.2, 0.3]}}
    found = {(work.pruner, work.document): work for work in expected_work(config, few_images)}
    passes = {key: work.trained / 40 / len(config["seeds"]) for key, work in found.items()}
    cell = "L1FilterPruner/0.5"
    assert passes["", "baseline/baseline.json"] == 2
    # Each of the three rates.
    assert passes["L1FilterPruner", f"{cell}/finetune.json"] == 3 * 2
    assert passes["L1FilterPruner", f"{cell}/equal.json"] == 3 * (9 + 2)
    assert passes["AutoCompressPruner", "AutoCompressPruner/0.5/equal.json"] == 3 * 2
    # Nothing of it is tuned.
    assert passes["L1FilterPruner", f"{cell}/scratch-finetune.json"] == 2
    assert passes["L1FilterPruner", f"{cell}/scratch-total.json"] == 2 + 9 + 2
    config["equal_training"] = {"images": 200}
    found = {work.document: work for work in expected_work(config, few_images)}
    assert found["AutoCompressPruner/0.5/equal.json"].trained == 0


def test_a_document_is_known_by_its_place_below_its_seed():
    path = Path("pruning/results/mine/vgg16/seed-3/L1FilterPruner/0.5/prune.json")
    assert place_in_seed(path) == ("vgg16", "L1FilterPruner/0.5/prune.json")
    assert place_in_seed(Path("results/mine/verdicts.json")) == ("", "")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_trainings_are_measured_in_the_precision_of_the_study(precision, few_images):
    seen = set()

    def look(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            seen.add((module.training, output.dtype))

    hook = register_module_forward_hook(look)
    try:
        speeds({"models": {"vgg16": {"width": 1 / 16}}, "precision": precision}, few_images)
    finally:
        hook.remove()
    assert seen == {(True, getattr(torch, precision)), (False, torch.float32)}
