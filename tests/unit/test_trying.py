"""What own code returns is checked where it returns."""

import copy
import re
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from filterbench.compaction.masks import PrunedNet, apply_masks
from filterbench.compaction.speedup import compact
from filterbench.jobs.job import Job
from filterbench.making.trying import try_net
from filterbench.models.rebuilding import rebuild_model
from filterbench.models.registry import MODELS, ModelEntry, build_model
from filterbench.own_code import registering
from filterbench.pruners.contract import InfeasibleError, channels_of, checked
from filterbench.stages.train_baseline import train_baseline
from filterbench.storage.errors import InputError

CLASSES = 3


class Plain(nn.Module):
    """Two convolutions with BatchNorm and a linear layer, as docs/extending.md asks for."""

    def __init__(self, norm=nn.BatchNorm2d) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 4, 3, padding=1), norm(4)
        self.second, self.pool = nn.Conv2d(4, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1)
        self.flatten, self.classifier = nn.Flatten(), nn.Linear(4, CLASSES)

    def forward(self, images):
        return self.classifier(self.flatten(self.pool(self.second(self.norm(self.first(images))))))


class Branching(Plain):
    def forward(self, images):
        return super().forward(images * 2 if images.mean() > 0 else images)


class Concatenating(Plain):
    def forward(self, images):
        first = self.first(images)
        return self.classifier(self.flatten(self.pool(torch.cat([first[:, :2], first[:, 2:]], dim=1))))


class Grouped(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Conv2d(4, 4, 3, groups=2)


class Sharing(Plain):
    """Calls one pooling and one activation twice, each on another number of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.second, self.halving, self.slope = nn.Conv2d(4, 6, 3, padding=1), nn.AvgPool2d(2), nn.LeakyReLU()
        self.classifier = nn.Linear(6, CLASSES)

    def forward(self, images):
        first = self.halving(self.slope(self.norm(self.first(images))))
        return self.classifier(self.flatten(self.pool(self.halving(self.slope(self.second(first))))))


class Preactivated(Plain):
    """The BatchNorm before the third convolution normalizes a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.third = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, images):
        first = self.first(images)
        summed = first + self.second(first)
        return self.classifier(self.flatten(self.pool(summed + self.third(self.norm(summed)))))


class Repeating(Plain):
    def forward(self, images):
        first = self.first(images)
        return self.classifier(self.flatten(self.pool(self.second(self.second(first)))))


class DepthwiseOnASum(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(4, 4, 3, groups=4)

    def forward(self, images):
        first = self.first(images)
        return self.classifier(self.flatten(self.pool(self.depthwise(first + self.second(first)))))


class Pair(Plain):
    def forward(self, images):
        return super().forward(images), images


class Detached(Plain):
    def forward(self, images):
        return super().forward(images).detach()


class Linear(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.norm = nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, images):
        return self.classifier(self.flatten(self.pool(images)).repeat(1, 2)[:, :4])


class Reshaped(Plain):
    def forward(self, images):
        return super().forward(images).unsqueeze(1)


class Unusual(Plain):
    """Other settings than torch's defaults, a number of a tensor, and a buffer beside the state."""

    def __init__(self) -> None:
        super().__init__(partial(nn.BatchNorm2d, eps=1e-2, momentum=0.01))
        self.first = nn.Conv2d(3, 4, 3, dilation=2, padding=2, padding_mode="reflect")
        self.slope = torch.linspace(0, 1, 4)[1].item()
        self.register_buffer("mean", torch.full((1,), 0.5), persistent=False)

    def forward(self, images):
        return super().forward(leaky_relu(images, self.slope))


class Drawing(Plain):
    """Computes with a number that is not in its state, and another one each time that it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.rand(()).item()

    def forward(self, images):
        return super().forward(leaky_relu(images, self.slope))


@pytest.fixture
def own(monkeypatch):
    """Registers a function as the model `mine`."""

    def registered(make) -> None:
        monkeypatch.setitem(MODELS, "mine", ModelEntry("mine", 4, "none", f"{__name__}:made"))
        monkeypatch.setattr(sys.modules[__name__], "made", lambda width, classes: make(), raising=False)

    return registered


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("mine", Plain),
        ("mine", Unusual),
        ("mine", Sharing),
        ("mobilenetv2", lambda: build_model("mobilenetv2", 1 / 4, CLASSES)),
        ("resnet50", lambda: build_model("resnet50", 1 / 16, CLASSES)),
    ],
    ids=["plain", "unusual", "sharing", "mobilenetv2", "resnet50"],
)
def test_a_net_that_fits_is_left_as_it_is(own, name, make):
    own(make)
    torch.manual_seed(0)
    net = make()
    before, state = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    try_net(name, net, CLASSES)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], each) for key, each in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_rebuilt_net_keeps_all_settings_of_its_layers(own):
    own(Unusual)
    torch.manual_seed(0)
    net, images = Unusual(), torch.randn(4, 3, 32, 32)
    net.train()(images)
    for smaller in (copy.deepcopy(net.eval()), compact(net, {"first": torch.arange(4) < 2})):
        rebuilt = rebuild_model("mine", smaller.state_dict(), Path("net.safetensors"))
        assert torch.equal(rebuilt(images), smaller(images))
        assert torch.equal(rebuilt.mean, smaller.mean)
        # The momentum shows in training alone.
        rebuilt.train()(images), smaller.train()(images)
        assert torch.equal(rebuilt.norm.running_mean, smaller.norm.running_mean)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Branching, "mine: torch.fx cannot trace the net: TraceError: symbolically traced"),
        (
            lambda: Plain(lambda channels: nn.GroupNorm(2, channels)),
            "mine: the net cannot be pruned: .*GroupNorm",
        ),
        (Grouped, r"mine: the net cannot be pruned: the net's operation Conv2d with groups=2 \(second\)"),
        (Concatenating, "mine: the net cannot be pruned: .*operation getitem"),
        (Preactivated, "mine: the net cannot be pruned: the compact net differs from the masked net by"),
        (Repeating, "mine: the net cannot be pruned: the net calls second twice; allowed: once"),
        (
            DepthwiseOnASum,
            "mine: the net cannot be pruned: the depthwise convolution depthwise gets the channels of add; ",
        ),
        (Pair, r"mine: the net cannot be trained: it returns tuple; allowed: a tensor \(4, 3\)"),
        (Reshaped, r"it returns \(4, 1, 3\); allowed: \(4, 3\)"),
        (
            Detached,
            "mine: the net cannot be trained: RuntimeError: element 0 of tensors does not require grad",
        ),
        (Linear, "mine: the net cannot be pruned: it has no convolution"),
        (Drawing, "mine: the net cannot be rebuilt: .* other logits"),
        (lambda: build_model("resnet18", 1 / 16, 7), r"it returns \(4, 7\); allowed: \(4, 3\)"),
    ],
    ids=[
        "branch",
        "GroupNorm",
        "groups",
        "concatenation",
        "pre-activation",
        "repetition",
        "depthwise on a sum",
        "tuple",
        "shape",
        "no gradient",
        "no convolution",
        "other logits",
        "classes",
    ],
)
def test_a_net_that_does_not_fit_is_named_before_it_is_trained(own, make, said):
    own(make)
    torch.manual_seed(0)
    with pytest.raises(InputError, match=said):
        try_net("mine", make(), CLASSES)


def returned(change, applied=True) -> PrunedNet:
    """A net with changed masks, each of which keeps the first half."""
    net = Plain()
    masks = {name: torch.arange(count) < count // 2 for name, count in channels_of(net).items()}
    if applied:
        apply_masks(net, masks)
    return PrunedNet(net, {name: change(kept) for name, kept in masks.items()})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: None, "returned NoneType; allowed: a PrunedNet"),
        (Plain, "returned Plain; allowed: a PrunedNet"),
        (lambda: PrunedNet(None, {}), "allowed: a PrunedNet with a net"),
        (
            lambda: returned(lambda kept: kept.float()),
            r"mask of first is torch.float32 \(4,\) on cpu; allowed",
        ),
        (
            lambda: returned(lambda kept: kept.byte()),
            r"torch.uint8 \(4,\) on cpu; allowed: torch.bool \(4,\)",
        ),
        (
            lambda: returned(lambda kept: kept.numpy()),
            "mask of first is of type ndarray; allowed: torch.bool",
        ),
        (lambda: returned(lambda kept: kept.tolist()), "mask of first is of type list; allowed: torch.bool"),
        (lambda: returned(lambda kept: kept[:2]), r"torch.bool \(2,\) on cpu; allowed: torch.bool \(4,\)"),
        (lambda: returned(lambda kept: kept[:, None]), r"torch.bool \(4, 1\)"),
        (lambda: returned(lambda kept: kept.to("meta")), "on meta; allowed"),
        (
            lambda: returned(lambda kept: kept, applied=False),
            "not multiplied into the weights; call apply_masks",
        ),
        (lambda: returned(torch.logical_not), "not multiplied into the weights"),
        (
            lambda: PrunedNet(Plain(), {"none": torch.ones(4).bool()}),
            "masks 'none'; allowed: .* first, second",
        ),
        (lambda: PrunedNet(nn.Conv2d(3, 4, 3), {}), "other convolutions"),
        (lambda: PrunedNet(Plain(), {"first": torch.ones(4).bool()}, compact=True), "compact net with masks"),
    ],
)
def test_what_a_pruner_returns_is_checked_where_it_returns(make, said):
    with pytest.raises(InputError, match=said):
        checked(make(), channels_of(Plain()), object())


def test_a_layer_without_filters_is_infeasible_and_sound_masks_pass():
    with pytest.raises(InfeasibleError, match=re.escape("mask of first leaves no filter")):
        checked(returned(torch.zeros_like), channels_of(Plain()), object())
    sound = returned(lambda kept: kept)
    assert checked(sound, channels_of(Plain()), object()) is sound


def test_an_own_model_is_tried_before_its_baseline_is_trained(digits_file, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "mine", ModelEntry("mine", 4, "none", "test_trying:branching"))
    monkeypatch.setitem(registering._HOMES, ("MODELS", "mine"), "test_trying")
    cell = {
        "study": "own",
        "dataset": "digits",
        "protocol": "validation",
        "model": "mine",
        "width": 1,
        "seed": 0,
    }
    params = {"cell": cell | {"seed": 0}, "limits": {}, "device": "cpu", "training": {}}
    with pytest.raises(InputError, match="mine: torch.fx cannot trace the net"):
        train_baseline(Job({"images": digits_file}, {"document": tmp_path / "baseline.json"}, params))


def branching(width, classes) -> nn.Module:
    return Branching()
