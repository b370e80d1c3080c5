import onnx
import pytest
import torch
from torch import nn

from filterbench.compaction.exporting import OnnxNet, check_onnx, export_onnx, layer_onnx
from filterbench.models.registry import build_model
from filterbench.storage.errors import InputError


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return build_model("resnet18", 0.0625, 7).eval().to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def content(net) -> bytes:
    return export_onnx(net)


def test_the_model_is_one_sound_file_without_this_machines_paths(content):
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert b"resnet.py" not in content


def test_it_takes_any_number_of_images_and_gives_the_nets_logits(net, content):
    images = torch.randn(5, 3, 32, 32)
    assert check_onnx(content, net, images) < 1e-5
    assert OnnxNet(content, 1)(images[:3]).shape == (3, 7)


def test_another_nets_model_is_refused(net, content):
    torch.manual_seed(1)
    other = build_model("resnet18", 0.0625, 7).eval()
    with pytest.raises(InputError, match=r"ONNX model differs from the net by .*; allowed: below 0\.0001"):
        check_onnx(content, other, torch.randn(2, 3, 32, 32))


def test_a_single_layer_in_onnx_computes_what_the_layer_does():
    torch.manual_seed(0)
    convolution = nn.Sequential(nn.Conv2d(3, 5, 3, 2, 1, bias=False), nn.BatchNorm2d(5), nn.ReLU())
    convolution[1].running_mean.normal_()
    for layer, images in (
        (convolution.eval(), torch.randn(4, 3, 9, 9)),
        (nn.Linear(6, 3), torch.randn(4, 6)),
        (nn.Linear(6, 3, bias=False), torch.randn(4, 6)),
    ):
        found = OnnxNet(layer_onnx(layer), 1)(images)
        assert torch.allclose(found, layer(images), atol=1e-5)
