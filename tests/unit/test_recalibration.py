"""BatchNorm statistics estimated again instead of a training, and what documents and checks say of it."""

import copy
import shutil
from dataclasses import replace

import pytest
import torch
from finetunings import finetuning_job, other_than_asked
from test_stages import LIMITS, NARROW, TRAINING, made_cell
from test_training import SETTINGS, fresh_net, net_with_dropout
from torch import nn

from filterbench.documents import check, read
from filterbench.forecasting.expected import expected_work
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.search import Search, derived_seed
from filterbench.results.bills import bills
from filterbench.stages.finetune import finetune
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_weights
from filterbench.study.cells import training_settings
from filterbench.study.config import check_config
from filterbench.training.loop import train
from filterbench.training.recalibration import recalibrate

PRUNER = "L1FilterPruner"
IMAGES = 100
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def test_the_statistics_are_those_of_the_images(few_images):
    """Of the first BatchNorm, with all images in one batch, against a mean and a variance of its inputs."""
    net = fresh_net()
    recalibrate(net, few_images.train, count=40, batch_size=40, seed=0)
    convolution, norm = net.features[0], net.features[1]
    with torch.no_grad():
        seen = convolution(few_images.train.first(40)).transpose(0, 1).flatten(1)
    assert torch.allclose(norm.running_mean, seen.mean(1), atol=1e-5)
    assert torch.allclose(norm.running_var, seen.var(1), atol=1e-5)
    assert norm.momentum == 0.1


@pytest.mark.parametrize(("count", "size", "batches"), [(40, 40, 1), (39, 13, 3), (33, 16, 2), (3, 2, 1)])
def test_no_batch_is_small(count, size, batches, few_images):
    net = fresh_net()
    sizes = []
    net.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    recalibrate(net, few_images.train, count, size, seed=0)
    assert (len(sizes), sum(sizes)) == (batches, count)
    assert min(sizes) >= size


def test_a_net_without_batchnorm_has_nothing_to_recalibrate(few_images):
    with pytest.raises(InputError, match="recalibrate: the net has no BatchNorm"):
        train(net_with_dropout(), few_images, replace(SETTINGS, epochs=0, recalibrate=8), seed=0)


def judge(net, images, folder, **settings):
    """The nets that a search judges, with the statistics that it has estimated."""
    search = Search(images, SearchSettings("masked", **settings), 0, folder, "key")
    judged = []
    search.evaluate = judged.append
    search.judge(net, {})
    return judged[0]


def test_a_search_recalibrates_as_a_fine_tuning_does(few_images, tmp_path):
    """Without a small last batch, and with the same dropout, however much was drawn before."""
    torch.manual_seed(0)
    convolutions = (nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))
    net = nn.Sequential(
        *convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 2)
    )
    expected = copy.deepcopy(net)
    recalibrate(expected, few_images.train, 33, 16, derived_seed(0))
    found = judge(net, few_images, tmp_path, batch_size=16, recalibrate=33).state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in expected.state_dict().items())


def test_a_search_of_a_net_without_batchnorm_does_not_recalibrate(few_images, tmp_path):
    with pytest.raises(
        InputError, match="recalibrate: the net has no BatchNorm; allowed in its finetune and "
    ):
        judge(net_with_dropout(), few_images, tmp_path, recalibrate=8)


@pytest.mark.parametrize("place", ["search", "pruners.EagleEyePruner.search"])
def test_a_search_is_not_recalibrated_on_one_image(place, default_config):
    search = {"recalibrate": 1}
    if place == "search":
        default_config["search"] |= search
    else:
        default_config["pruners"]["EagleEyePruner"] = {"search": search}
    with pytest.raises(InputError, match=f"mine.yaml: {place}.recalibrate: 1; a variance needs at least 2"):
        check_config(default_config, "mine.yaml")


@pytest.fixture(scope="module")
def cell(digits_file, tmp_path_factory):
    """A cell that is recalibrated, not trained."""
    folder = tmp_path_factory.mktemp("cell") / "0.5"
    shutil.copytree(made_cell("cpu", PRUNER, digits_file, **NARROW), folder)
    training = TRAINING | {"epochs": 0, "recalibrate": IMAGES}
    finetune(finetuning_job(folder, digits_file, "finetune", limits=LIMITS, training=training))
    return folder


def test_recalibration_leaves_all_weights_but_the_running_statistics(cell):
    before, after = (read_weights(cell / f"{name}.safetensors") for name in ("speedup", "finetune"))
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    statistics = {name for name in after if name.endswith(STATISTICS)}
    assert changed == statistics
    assert before.keys() == after.keys() > statistics


def test_the_document_records_what_was_done_and_not_trained(cell):
    document = read(cell / "finetune.json")
    asked = TRAINING | {"epochs": 0, "recalibrate": IMAGES}
    assert document["training"] == {"settings": asked, "best_epoch": 0, "epochs": []}
    settings = asked | {"epochs": 1}
    epoch = {"epoch": 1, "learning_rate": 0.01, "loss": 1, "selection_accuracy": 0, "selection_loss": 1}
    trained = {"settings": settings, "best_epoch": 1, "epochs": [epoch]}
    (fault,) = check("finetune", document | {"training": trained})
    assert "beside a recalibration" in fault.reason


@pytest.mark.parametrize(("images", "cost"), [(IMAGES, 33), (10 * LIMITS["train"], 85)])
def test_an_image_costs_a_third_and_none_is_counted_twice(images, cost, cell):
    document = read(cell / "finetune.json")
    document["training"]["settings"]["recalibrate"] = images
    bill = bills(read(cell / "prune.json"), document)
    assert bill == {"images_after_cut": cost, "images_paid": cost}


@pytest.fixture
def config(default_config) -> dict:
    """A study in which one pruner's nets are recalibrated."""
    default_config["finetune"]["pruners"] = {PRUNER: {"epochs": 0, "recalibrate": IMAGES}}
    return default_config


def test_the_forecast_counts_forward_passes(config, few_images):
    pruners = {PRUNER: {}, "FPGMPruner": {}}
    config |= {"models": {"vgg16": {"width": 1 / 16}}, "sparsities": [0.5], "pruners": pruners, "seeds": [0]}
    works = [work for work in expected_work(config, few_images) if work.stage == "finetune"]
    found = {work.pruner: (work.trained, work.evaluated) for work in works}
    # Forty images each to train, choose and test by.
    assert found == {PRUNER: (0, 40 + 40), "FPGMPruner": (2 * 40, 2 * 40 + 40)}


def test_validate_compares_the_recalibration(config):
    check_config(config, "mine.yaml")
    asked = training_settings(config, "finetune", "vgg16", PRUNER)
    assert other_than_asked(config, PRUNER, asked) == []
    others = other_than_asked(config, PRUNER, asked | {"recalibrate": 99})
    assert others == ["$.training.settings.recalibrate"]


def test_a_whole_study_can_be_recalibrated_but_for_some(config):
    config["finetune"] |= {"epochs": 0, "recalibrate": 64}
    config["finetune"]["pruners"] = {PRUNER: {"epochs": 2, "recalibrate": 0}}
    check_config(config, "mine.yaml")
    del config["finetune"]["recalibrate"]
    with pytest.raises(InputError, match="finetune.epochs: 0 leaves nothing to fine-tune"):
        check_config(config, "mine.yaml")


@pytest.mark.parametrize(
    ("recovery", "place"),
    [
        ({"pruners": {PRUNER: {"epochs": 0}}}, f"finetune.pruners.{PRUNER}.epochs"),
        ({"models": {"vgg16": {"epochs": 0}}}, "finetune.models.vgg16.epochs"),
        (
            {"epochs": 0, "recalibrate": 64, "pruners": {PRUNER: {"recalibrate": 0}}},
            f"finetune.pruners.{PRUNER}.recalibrate",
        ),
    ],
)
def test_nets_that_nothing_recovers_are_refused(recovery, place, config):
    del config["finetune"]["pruners"]
    allowed = "0 leaves nothing to fine-tune; allowed: epochs from 1, or recalibrate from 2"
    with pytest.raises(InputError, match=f"mine.yaml: {place}: {allowed}"):
        check_config(config | {"finetune": config["finetune"] | recovery}, "mine.yaml")


def test_epochs_of_each_model_take_the_place_of_none(config):
    config["finetune"] |= {"epochs": 0, "models": {model: {"epochs": 2} for model in config["models"]}}
    check_config(config, "mine.yaml")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"epochs": 2}, f"finetune.pruners.{PRUNER}.epochs: 2; recalibrate trains nothing"),
        ({"recalibrate": 1}, "recalibrate: 1; a variance needs at least 2 images"),
        ({"recalibrate": -1}, "recalibrate: -1 is less than the minimum of 0"),
        (
            {"distillation": {"weight": 0.5, "temperature": 4}},
            f"finetune.pruners.{PRUNER}.distillation: asks for training, "
            f"but finetune.pruners.{PRUNER}.recalibrate trains nothing",
        ),
    ],
)
def test_settings_of_a_training_beside_a_recalibration_are_refused(changes, expected, config):
    config["finetune"]["pruners"][PRUNER] |= changes
    with pytest.raises(InputError, match=expected):
        check_config(config, "mine.yaml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training_budgets", [4]),
        ("equal_training", {"images": 5000}),
        ("scratch", ["finetune"]),
        ("finetune.tuning", {"learning_rate": [0.1, 0.2]}),
    ],
)
def test_further_trainings_of_a_recalibrated_net_are_refused(key, value, config):
    place, _, last = key.rpartition(".")
    (config[place] if place else config)[last] = value
    with pytest.raises(InputError, match=f"{key}: asks for training, but finetune.pruners.{PRUNER}.recal"):
        check_config(config, "mine.yaml")


def test_other_trainings_from_scratch_are_not(config):
    check_config(config | {"scratch": ["baseline", "total"]}, "mine.yaml")
