import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2

from filterbench.costs.counting import count_net
from filterbench.models.inputs import example_input
from filterbench.models.rebuilding import draw_fresh_weights, rebuild_model
from filterbench.models.registry import MODELS, build_model
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_weights, write_weights

PUBLISHED = {
    "vgg16": (14_987_722, 314_018_314),
    "resnet18": (11_173_962, 556_651_530),
    "resnet50": (23_520_842, 1_304_694_794),
}

# By hand from the papers' tables; BatchNorm has 2 params a channel.
PARAMS = {
    # 16 convolutions of 9 * inputs * outputs weights, 5,504 channels, the classifier's three layers.
    "vgg19": 20_018_880 + 2 * 5_504 + (512 * 512 + 512) + 2 * 512 + (512 * 10 + 10),
    # 853,018 with zero-padded shortcuts (0.85 million in the paper), and two projections with BatchNorm.
    "resnet56": 853_018 + (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_full_width_counts_are_the_published_ones(name):
    counts = count_net(build_model(name))
    assert (counts.params, counts.flops) == PUBLISHED[name]


@pytest.mark.parametrize("name", PARAMS)
def test_full_width_params_are_those_of_the_papers_table(name):
    assert count_net(build_model(name)).params == PARAMS[name]


def test_mobilenetv2_has_the_layers_of_torchvisions():
    def shapes(model):
        return sorted(tuple(parameter.shape) for parameter in model.parameters())

    model = build_model("mobilenetv2")
    assert shapes(model) == shapes(mobilenet_v2(num_classes=10))
    assert count_net(model).params == 2_236_682


# At the narrowest width stages can have equally many channels.
@pytest.mark.parametrize("width", [1 / 8, 1 / 16])
@pytest.mark.parametrize("name", MODELS)
def test_a_net_is_rebuilt_from_its_weights_alone(name, width, tmp_path):
    torch.manual_seed(0)
    model = build_model(name, width, classes=7).eval()
    path = tmp_path / "model.safetensors"
    write_weights(path, model.state_dict())
    images = torch.randn(2, 3, 32, 32)
    rebuilt = rebuild_model(name, read_weights(path), path)
    assert torch.equal(rebuilt(images), model(images))


@pytest.mark.parametrize("name", MODELS)
def test_a_net_of_larger_images_has_as_many_params_and_more_macs(name, tmp_path):
    small, large = (build_model(name, width=1 / 8, image_size=size).eval() for size in (32, 96))
    one, nine = count_net(small), count_net(large)
    assert nine.params == one.params
    linear = sum(layer.weight.numel() for layer in large.modules() if isinstance(layer, nn.Linear))
    assert nine.conv_linear_macs - linear == 9 * (one.conv_linear_macs - linear)
    path = tmp_path / "model.safetensors"
    write_weights(path, large.state_dict())
    images = torch.randn(2, 3, 96, 96)
    rebuilt = rebuild_model(name, read_weights(path), path, 96)
    assert torch.equal(rebuilt(images), large(images))
    assert example_input(rebuilt).shape == (2, 3, 96, 96)


@pytest.mark.parametrize("name", MODELS)
def test_fresh_weights_are_those_that_the_net_is_built_with(name):
    torch.manual_seed(1)
    expected = build_model(name, width=1 / 16).state_dict()
    model = build_model(name, width=1 / 16)
    model(torch.randn(4, 3, 32, 32))  # Batch statistics, too, begin anew.
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    draw_fresh_weights(model, seed=1)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in model.state_dict().items())


def test_another_nets_weights_are_refused_by_name(tmp_path):
    path = tmp_path / "model.safetensors"
    write_weights(path, build_model("resnet18", 1 / 16).state_dict())
    with pytest.raises(InputError, match=r"model\.safetensors: blocks\.0\..*this net has no such name"):
        rebuild_model("vgg16", read_weights(path), path)


def test_a_truncated_weights_file_is_refused_by_name(tmp_path):
    path = tmp_path / "model.safetensors"
    write_weights(path, build_model("vgg16", 1 / 16).state_dict())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors: not a readable safetensors file"):
        read_weights(path)


def test_the_same_weights_give_the_same_bytes(tmp_path):
    weights = build_model("vgg16", 1 / 16).state_dict()
    write_weights(tmp_path / "a", weights)
    write_weights(tmp_path / "b", dict(reversed(weights.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
