"""Pruning to the layers that a study gives, as papers write them."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from test_own_code import remembered
from test_stages import CHANGES, run_cell, tensors

from filterbench.documents import read
from filterbench.domain.rates import kept_by_layer, kept_of, parse_rates
from filterbench.models.depthwise import depthwise_sources
from filterbench.models.paper_layers import layers_of_net
from filterbench.models.registry import build_model
from filterbench.pruners.given_layers import OwnLayers, channels_to_keep, layers_that_fit
from filterbench.storage.errors import InputError
from filterbench.study.given_layers import check_layers
from filterbench.study.reading import read_study

PRUNER = "GivenLayersPruner"
CHIP_VGG16 = "[0.21]*7+[0.75]*5"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    with remembered(monkeypatch):
        yield


def test_rates_and_counts_of_papers():
    assert parse_rates("[0.]+[0.15]*2 + [.5]+[32]*3") == [0.0, 0.15, 0.15, 0.5, 32, 32, 32]
    assert parse_rates("[0.]+[0.65, 8]*2") == [0.0, 0.65, 8, 0.65, 8]
    # 64 * 0.05 = 3.2; 64 * 0.25 = 16 exactly; a layer keeps at least one.
    assert [kept_of(64, rate, "a") for rate in (0.95, 0.75, 0, 0.0, 0.999, 64)] == [3, 16, 64, 64, 1, 64]


def test_a_list_may_omit_the_last_convolution():
    with torch.device("meta"):
        channels = channels_to_keep(build_model("vgg16"))
    kept = list(kept_by_layer(CHIP_VGG16, channels).values())
    assert kept == [50, 50, 101, 101, 202, 202, 202, 128, 128, 128, 128, 128, 512]


def test_by_name_the_last_match_counts():
    channels = {"a.0": 10, "a.1": 10, "b.0": 10}
    assert kept_by_layer({"*": 0.5, "a.*": 3, "a.1": 0.1}, channels) == {"a.0": 3, "a.1": 9, "b.0": 5}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[0.5]*2+0.5", "'0.5' is not a term of a list of rates"),
        ("[0.5]*0", "'[0.5]*0' is not a term"),
        ("[0.5,]*2", "'[0.5,]*2' is not a term"),
        ("[0.5]*99999999999", "more than 10000 numbers; allowed: one per convolution"),
        (
            "[0.5]",
            "1 numbers for 3 convolutions; allowed: one for each of a.0, a.1, b.0, or all but the last",
        ),
        ("[0.5]*4", "4 numbers for 3 convolutions"),
        ([0.5, 11, 0], "a.1: 11 filters; allowed: 1 to 10"),
        ([0.5, 1.0, 0], "a.1: 1.0; allowed: a share from 0 and below 1, or a whole number of filters"),
        ([0.5, -0.1, 0], "a.1: -0.1; allowed"),
        ([0.5, True, 0], "a.1: True is not a number"),
        ({"c.*": 0.5}, "'c.*' fits no convolution; allowed: a.0, a.1, b.0"),
    ],
)
def test_faulty_layers_are_refused(layers, expected):
    with pytest.raises(InputError) as error:
        kept_by_layer(layers, {"a.0": 10, "a.1": 10, "b.0": 10})
    assert expected in str(error.value)


def test_a_papers_list_of_a_residual_net_is_a_cell():
    with torch.device("meta"):
        channels = channels_to_keep(build_model("resnet56", 0.5))
    kept = layers_of_net("[0.]+[0.15]*2+[0.4]*27", channels)
    # 8, 16 and 32 channels: the stem is whole, stages keep 6 and 13, the last is whole; blocks keep 60 %.
    assert (kept["stem.0.0"], kept["blocks.0.branch.0.0"], kept["blocks.0.branch.2.0"]) == (8, 4, 6)
    assert (kept["blocks.9.shortcut.0"], kept["blocks.9.branch.2.0"]) == (13, 13)
    assert (kept["blocks.18.branch.0.0"], kept["blocks.18.shortcut.0"]) == (19, 32)


@pytest.mark.parametrize("model", [pytest.param("vgg16", marks=pytest.mark.slow), "resnet18"])
def test_the_layers_of_an_l1_cell_are_that_cell_to_the_last_byte(model, digits_file, tmp_path, monkeypatch):
    run_cell("cpu", "L1FilterPruner", digits_file, tmp_path / "l1", model=model, width=1 / 16)
    layers = {layer["name"]: layer["kept"] for layer in read(tmp_path / "l1/prune.json")["layers"]}
    monkeypatch.setitem(CHANGES, PRUNER, {"layers": layers})
    run_cell("cpu", PRUNER, digits_file, tmp_path / "given", model=model, width=1 / 16)
    for kind in ("prune", "speedup", "finetune"):
        own, given = (tmp_path / folder / f"{kind}.safetensors" for folder in ("l1", "given"))
        assert tensors(own) == tensors(given), kind


def test_a_document_names_depthwise_convolutions_too():
    model = build_model("mobilenetv2", 1 / 4)
    sources = depthwise_sources(model)
    kept = dict.fromkeys(channels_to_keep(model), 3)
    named = kept | dict.fromkeys(sources, 3)
    assert layers_that_fit(named, model) == kept
    first, source = next(iter(sources.items()))
    with pytest.raises(InputError, match=rf"{first}: 2 filters; allowed: 3, as many as {source} keeps"):
        layers_that_fit(named | {first: 2}, model)


def test_fresh_weights_are_those_of_the_seed_and_not_the_trained_ones():
    class Seed:
        seed = 3

    torch.manual_seed(0)
    model = build_model("vgg16", 1 / 16)
    trained = {name: value.clone() for name, value in model.state_dict().items()}
    pruned = OwnLayers("[0.5]*13", weights="fresh").prune(model, 0.5, Seed)
    assert {int(kept.sum()) for kept in pruned.masks.values()} == {2, 4, 8, 16}
    assert not torch.equal(pruned.model.state_dict()["classifier.0.weight"], trained["classifier.0.weight"])
    again = OwnLayers("[0.5]*13", weights="fresh").prune(build_model("vgg16", 1 / 16), 0.5, Seed)
    for name, value in again.model.state_dict().items():
        assert torch.equal(value, pruned.model.state_dict()[name])


def study(config: dict, layers, **more) -> dict:
    config["pruners"][PRUNER] = {"arguments": {"layers": layers}, "sparsities": {"vgg16": [0.5]}, **more}
    config["models"] = {"vgg16": config["models"]["vgg16"]}
    config["finetune"].pop("models", None)
    return read_study(config, [], {})


def write_study(folder: Path, config: dict) -> Path:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


def test_a_file_of_layers_becomes_its_content(tmp_path, default_config, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = [{"name": "features.0", "channels": 16, "kept": 5}]
    (tmp_path / "prune.json").write_text(json.dumps({"layers": records}))
    config = study(default_config, "prune.json")
    assert config["pruners"][PRUNER]["arguments"]["layers"] == {"features.0": 5}
    check_layers(config)


def test_each_model_can_have_a_file_of_its_own(tmp_path, default_config):
    (tmp_path / "vgg16.yaml").write_text("features.0: 5\n")
    models = {name: default_config["models"][name] for name in ("vgg16", "resnet18")}
    own = {"models": {"vgg16": {"layers": "vgg16.yaml"}}, "sparsities": {"vgg16": [0.6], "resnet18": []}}
    config = default_config | {"models": models} | {"pruners": {"L1FilterPruner": {}, PRUNER: own}}
    config["finetune"].pop("models", None)
    # Beside the study, and none for the model that the pruner leaves out.
    config = read_study(config, [str(write_study(tmp_path, config))], {})
    assert config["pruners"][PRUNER]["models"]["vgg16"]["layers"] == {"features.0": 5}
    check_layers(config)
    config["pruners"][PRUNER]["models"]["vgg16"]["layers"] = "[0.5]*11"
    with pytest.raises(
        InputError, match=r"^pruners\.GivenLayersPruner\.models\.vgg16\.layers: for vgg16: 11 "
    ):
        check_layers(config)


@pytest.mark.parametrize(
    ("layers", "more", "expected"),
    [
        ("", {}, "pruners.GivenLayersPruner.arguments.layers: is empty; allowed: one number per convolution"),
        (
            "nothing.json",
            {},
            "pruners.GivenLayersPruner.arguments.layers: nothing.json: there is no such file",
        ),
        ("[0.5]*13", {"sparsities": {"vgg16": [0.5, 0.6]}}, "name one sparsity"),
        ("[0.5]*11", {}, "pruners.GivenLayersPruner.arguments.layers: for vgg16: 11 numbers; allowed: 13"),
    ],
)
def test_a_study_with_faulty_layers_is_refused_before_anything_runs(layers, more, expected, default_config):
    with pytest.raises(InputError) as error:
        check_layers(study(default_config, layers, **more))
    assert expected in str(error.value)
