"""What a study will cost, and how far a run is."""

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from filterbench.domain.targets import Target
from filterbench.forecasting.expected import UniformNet, Work, expected_work
from filterbench.forecasting.speed import Pace, Speed, speeds
from filterbench.models.registry import build_model


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
    own = config | {"models": {"vgg16": {"width": 1 / 16, "weights": "mine.pt"}}}
    assert next(expected_work(own, few_images)).trained == 0
    config["equal_training"] = {"images": 200}
    found = {work.document: work for work in expected_work(config, few_images)}
    assert found["AutoCompressPruner/0.5/equal.json"].trained == 0


def test_a_search_paths_nets_cost_what_lies_between_the_whole_one_and_the_smallest(
    few_images, default_config
):
    config = default_config | {
        "models": {"vgg16": {"width": 1 / 16}},
        "sparsities": [0.2, 0.8],
        "seeds": [0],
        "pruners": {"NetAdaptPruner": {}},
    }
    (work,) = [each for each in expected_work(config, few_images) if each.stage == "trajectory"]
    net = UniformNet(build_model("vgg16", 1 / 16, few_images.classes).eval())
    smallest, _ = net.shares(Target("sparsity", 0.8))
    assert 0 < smallest < 0.2
    assert work.share == (1 + smallest) / 2


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


def test_a_narrow_net_takes_longer_than_its_share_of_the_flops():
    speed = Speed(whole=Pace(1.0, 0.4), pruned=Pace(0.5, 0.2), share=0.2)

    def seconds(share: float) -> float:
        return speed.seconds(Work("finetune", "vgg16", "", "", 0, trained=10, evaluated=5, share=share))

    assert seconds(1.0) == pytest.approx(10 * 1.0 + 5 * 0.4)
    assert seconds(0.6) == pytest.approx(10 * 0.75 + 5 * 0.3)
    # No net is faster than the pruned one that was timed.
    assert seconds(0.01) == seconds(0.2) == pytest.approx(10 * 0.5 + 5 * 0.2)
