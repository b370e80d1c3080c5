"""Bytes between a net's layers."""

import torch
from torch import nn

from filterbench.costs.memory import peak_activations
from filterbench.models.registry import build_model

FLOAT = 4


def test_the_peak_is_the_inputs_and_the_output_of_the_widest_operation():
    net = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 5)).eval()
    # The ReLU has 100 values in and 100 out; what came before is gone.
    assert peak_activations(net, torch.zeros(3, 10)) == 3 * 200 * FLOAT


def test_a_value_that_a_sum_waits_for_is_held():
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(10, 10), nn.Linear(10, 10)

        def forward(self, images):
            return images + self.second(self.first(images))

    assert peak_activations(Sum().eval(), torch.zeros(1, 10)) == 3 * 10 * FLOAT


def test_a_batch_takes_as_many_times_more_and_a_narrow_net_less():
    wide, narrow = (build_model("resnet18", width).eval() for width in (1 / 8, 1 / 16))
    one, four = (peak_activations(wide, torch.zeros(number, 3, 32, 32)) for number in (1, 4))
    assert four == 4 * one
    assert peak_activations(narrow, torch.zeros(1, 3, 32, 32)) < one


def test_shapes_alone_give_the_same_bytes():
    for model in ("resnet18", "vgg16"):
        net, images = build_model(model, 1 / 16).eval(), torch.zeros(2, 3, 32, 32)
        assert peak_activations(net.to("meta"), images.to("meta")) == peak_activations(
            build_model(model, 1 / 16).eval(), images
        )
