"""Training steps whose BatchNorms are computed with the ReLU behind them: the same net, other last digits."""

import copy
import math

import pytest
import torch
from settings import NEEDS_COMPILER
from torch import nn
from torch.nn.functional import batch_norm, cross_entropy

from filterbench.models.registry import build_model
from filterbench.storage.errors import InputError
from filterbench.training import kernels
from filterbench.training.fused import FUSED, TORCH, fused_forwards, replaced

pytestmark = NEEDS_COMPILER
LIMITS = {"none": None, "relu": nn.ReLU(), "relu6": nn.ReLU6()}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path_factory, monkeypatch):
    """The library is compiled once, as in one folder of studies."""
    monkeypatch.chdir(tmp_path_factory.getbasetemp())


def batch_of(channels, size, count=7):
    generator = torch.Generator().manual_seed(channels)
    images = 3 * torch.randn(count, channels, size, size, generator=generator) + 2
    return images.contiguous(memory_format=torch.channels_last)


def pair(channels, behind):
    """A BatchNorm that has been trained, and what is behind it."""
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(channels)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    # Some outputs reach 6.
    nn.init.uniform_(norm.bias, -0.5, 6)
    return nn.Sequential(norm, *([behind] if behind else []))


@pytest.mark.parametrize("behind", LIMITS)
# Below and above a vector's 16 numbers, and rows that do not fill the last group.
@pytest.mark.parametrize(("channels", "size"), [(1, 5), (3, 4), (8, 3), (13, 5), (16, 4), (64, 2), (70, 3)])
def test_outputs_gradients_and_statistics_are_those_of_float64(channels, size, behind):
    plain, images = pair(channels, LIMITS[behind]), batch_of(channels, size)
    exact, fused = copy.deepcopy(plain).double(), copy.deepcopy(plain)
    gradient = batch_of(channels, size).flip(0)
    results = []
    for net, forwards in ((exact, {}), (fused, fused_forwards(fused, FUSED))):
        own = images.to(net[0].weight.dtype).requires_grad_()
        with replaced(forwards):
            out = net(own)
        out.backward(gradient.to(out.dtype))
        found = [out, own.grad, net[0].weight.grad, net[0].bias.grad, net[0].running_mean, net[0].running_var]
        results.append([each.double() for each in found] + [net[0].num_batches_tracked])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("model", ["vgg16", "resnet18", "mobilenetv2", "resnet20_padded"])
def test_a_whole_net_has_the_gradients_of_float64(model):
    torch.manual_seed(0)
    net = build_model(model, 0.25, classes=3).to(memory_format=torch.channels_last).train()
    exact = copy.deepcopy(net).double()
    images, labels = batch_of(3, 32, count=6), torch.tensor([0, 1, 2, 0, 1, 2])
    forwards = fused_forwards(net, FUSED)
    assert forwards
    with replaced(forwards):
        cross_entropy(net(images), labels).backward()
    cross_entropy(exact(images.double()), labels).backward()
    own, expected = (torch.cat([each.grad.flatten() for each in n.parameters()]) for n in (net, exact))
    assert (own - expected).norm() < 0.05 * expected.norm()
    for name, statistic in net.named_buffers():
        torch.testing.assert_close(statistic.double(), exact.get_buffer(name).double(), rtol=1e-3, atol=1e-4)


def test_a_net_is_as_before_after_the_step():
    net = build_model("vgg16", 1 / 16, classes=2).eval()
    images = batch_of(3, 32)
    before, state = net(images), list(net.state_dict())
    forwards = fused_forwards(net, FUSED)
    with replaced(forwards):
        pass
    assert torch.equal(net(images), before)
    assert list(net.state_dict()) == state
    assert not any("forward" in vars(module) for module in net.modules())


def test_torch_replaces_nothing():
    assert fused_forwards(build_model("vgg16", 1 / 16), TORCH) == {}


class Reused(nn.Module):
    """A net that uses a part of its Sequential alone, and a BatchNorm without a Sequential."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU())
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images):
        return self.norm(self.layers[0](images))


def test_what_a_net_calls_by_itself_stays_torchs():
    net, images = Reused().train(), batch_of(4, 3)
    other = copy.deepcopy(net)
    with replaced(fused_forwards(net, FUSED)):
        found = net(images)
    assert torch.equal(found, other(images))
    assert found.min() < 0


def test_a_frozen_norm_keeps_its_statistics():
    net, images = pair(4, nn.ReLU()), batch_of(4, 3)
    net[0].eval()
    with replaced(fused_forwards(net, FUSED)):
        found = net(images)
    norm = net[0]
    expected = batch_norm(images, norm.running_mean, norm.running_var, norm.weight, norm.bias).relu()
    assert torch.equal(found, expected)


def test_hooks_are_called():
    net, seen = pair(4, nn.ReLU()), []
    net[0].register_forward_hook(lambda module, inputs, output: seen.append(output.min().item()))
    with replaced(fused_forwards(net, FUSED)):
        net(batch_of(4, 3))
    assert seen[0] < 0


def test_what_is_not_a_number_stays_so():
    net, images = pair(4, nn.ReLU()), batch_of(4, 3)
    images[0, 0, 0, 0] = math.nan
    with replaced(fused_forwards(net, FUSED)):
        assert net(images)[:, 0].isnan().all()


def test_without_a_compiler_the_setting_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    kernels.library.cache_clear()
    with pytest.raises(InputError, match="fused needs a C compiler, and there is no cc; install one"):
        fused_forwards(pair(4, None), FUSED)


def test_a_compiler_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernels, "FLAGS", ("--not-an-option",))
    kernels.library.cache_clear()
    with pytest.raises(InputError, match="failed"):
        fused_forwards(pair(4, None), FUSED)
    assert list(tmp_path.rglob("*.so")) == []


@pytest.fixture(autouse=True)
def the_next_test_loads_it_again():
    yield
    kernels.library.cache_clear()
