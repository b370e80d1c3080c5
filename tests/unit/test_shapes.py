"""Counts by arithmetic: those of the registry's nets, and of the layers that papers state."""

import pytest
import torch

from filterbench.costs.layer_costs import count_shapes
from filterbench.models import torchvision_nets
from filterbench.models.paper_layers import paper_layers
from filterbench.models.registry import MODELS, build_model
from filterbench.models.shapes import shapes_of
from filterbench.storage.errors import InputError

SHAPES = shapes_of()
CHIP_RESNET56 = "[0.]+[0.15]*2+[0.4]*27"


@pytest.mark.parametrize("name", SHAPES)
def test_counts_and_names_are_those_of_the_registrys_net(name, monkeypatch):
    monkeypatch.setattr("filterbench.models.registry.MODELS", MODELS | torchvision_nets.MODELS)
    size, classes = (224, 1000) if name in torchvision_nets.MODELS else (32, 10)
    with torch.device("meta"):
        model = build_model(name, 1, classes, size).eval()
    counted, built = SHAPES[name].count(), count_shapes(model)
    assert (counted.params, counted.macs) == (built["params"], built["conv_linear_macs"])
    assert counted.full == built["flops"]
    names = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Conv2d)]
    assert [each.name for each in SHAPES[name].convolutions] == names


def test_papers_unpruned_nets_are_met_to_half_a_per_cent():
    for name, params in {
        "vgg16_one_linear": 14.73e6,
        "vgg16": 14.98e6,
        "resnet20_padded": 0.27e6,
        "resnet32_padded": 0.46e6,
        "resnet56_padded": 0.85e6,
        "resnet110_padded": 1.73e6,
        "torchvision:resnet50": 25.56e6,
        "vgg19_one_linear": 20.04e6,
    }.items():
        # Beyond the precision with which the small ones are printed.
        assert SHAPES[name].count().params == pytest.approx(params, rel=0.005, abs=0.005e6), name


def test_a_pruned_layer_takes_its_channels_from_the_next_one_too():
    vgg = SHAPES["vgg16_one_linear"]
    whole, pruned = vgg.count(), vgg.count({"features.0": 32})
    kept = vgg.count({"features.0": 32}, inputs_kept=True)
    assert whole.params - pruned.params == 32 * 27 + 2 * 32 + 32 * 64 * 9
    assert whole.params - kept.params == 32 * 27 + 2 * 32


@pytest.mark.parametrize(
    ("net", "text", "params", "full"),
    [
        # As printed by CHIP: 0.48M and 65.94M; 1.04M and 140.54M; 2.26B and 15.09M.
        ("resnet56_padded", CHIP_RESNET56, 485_413, 65_935_882),
        ("resnet110_padded", "[0.]+[0.2]*2+[0.3]*18+[0.35]*36", 1_045_951, 140_543_434),
        ("torchvision:resnet50", "[0.]+[0.1]*3+[0.35]*16", 15_091_575, 2_259_032_992),
        ("vgg16", "[0.21]*7+[0.75]*5", 2_764_481, 130_972_298),
    ],
)
def test_lists_of_papers(net, text, params, full):
    counts = SHAPES[net].count(paper_layers(text, SHAPES[net]))
    assert (counts.params, counts.full) == (params, full)


def test_shortcuts_of_a_list_may_be_left_out():
    shapes = SHAPES["torchvision:resnet50"]
    assert paper_layers("[0.5]*53", shapes) == paper_layers("[0.5]*49", shapes)
    assert paper_layers("[0.5]*49", shapes)["layer4.2.conv3"] == 1024


def test_named_parts_are_the_list_of_the_same_numbers():
    shapes = SHAPES["resnet56"]
    named = "blocks=[0.4]*27; stages=[0.15]*2; stem=[0.]"
    assert paper_layers(named, shapes) == paper_layers(CHIP_RESNET56, shapes)


@pytest.mark.parametrize(
    ("net", "text", "expected"),
    [
        ("vgg16", "[0.5]*11", "11 numbers; allowed: 13, one per convolution, or 12 without the last"),
        ("resnet56", "[0.5]*29", "or 30: stem, stages but the last, blocks"),
        ("resnet56", "blocks=[0.5]*26", "blocks: 26 numbers; allowed: 27"),
        ("resnet56", "block=[0.5]*27", "'block' is not a part of the net; allowed: stem, stages, blocks"),
        ("vgg16", "blocks=[0.5]*13", "'blocks' is not a part of the net; allowed: a list"),
        ("vgg16", "[0.5]*12+[700]", "features.40: 700 filters; allowed: 1 to 512"),
    ],
)
def test_faulty_lists_are_refused(net, text, expected):
    with pytest.raises(InputError) as error:
        paper_layers(text, SHAPES[net])
    assert expected in str(error.value)
