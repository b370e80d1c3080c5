"""What penalties add to a training, and what they do to a net."""

import copy
from dataclasses import replace

import pytest
import torch
from test_training import SETTINGS, InterruptingCheckpoint, InterruptionError, fresh_net
from torch import nn
from torch_pruning import importance
from torch_pruning.pruner.algorithms import BNScalePruner

from filterbench.documents.schemas import load_schema
from filterbench.models.inputs import example_input
from filterbench.models.registry import build_model
from filterbench.storage.checkpoint import Checkpoint, without_prefix
from filterbench.storage.errors import InputError
from filterbench.storage.stopwatch import Stopwatch
from filterbench.training.loop import train
from filterbench.training.penalties import PENALTIES, add_penalty, strength_in

# What each penalty adds to the loss at strength 1.
LOSSES = {
    "bn-scales": lambda net: sum(
        layer.weight.abs().sum() for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)
    ),
    "filter-norms": lambda net: sum(layer.weight.flatten(1).norm(dim=1).sum() for layer in convolutions(net)),
    "growing": lambda net: sum(layer.weight.square().sum() / 2 for layer in convolutions(net)),
}


def convolutions(net: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]


def gradients(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.grad for name, weight in net.named_parameters()}


def with_zero_gradients(net: nn.Module) -> nn.Module:
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    return net


@pytest.fixture
def residual() -> nn.Module:
    """A narrow net with sums, whose BatchNorm weights are of both signs."""
    torch.manual_seed(0)
    net = build_model("resnet18", 1 / 16, classes=2)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
    return net


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_adds_the_gradient_of_what_it_is_called_after(penalty, residual):
    expected = with_zero_gradients(copy.deepcopy(residual))
    (0.3 * LOSSES[penalty](expected)).backward()
    add_penalty(with_zero_gradients(residual), penalty, 0.3)
    added = gradients(residual)
    assert any(gradient.any() for gradient in added.values())
    for name, gradient in gradients(expected).items():
        torch.testing.assert_close(added[name], gradient, msg=name)


def test_network_slimmings_penalty_is_torch_prunings(residual):
    library = with_zero_gradients(copy.deepcopy(residual))
    scores = importance.BNScaleImportance()
    BNScalePruner(library, example_input(library), scores, reg=0.3).regularize(library)
    add_penalty(with_zero_gradients(residual), "bn-scales", 0.3)
    for name, gradient in gradients(library).items():
        assert torch.equal(gradients(residual)[name], gradient), name


def test_only_the_growing_penalty_grows():
    assert [strength_in(epoch, 4, "growing", 0.8) for epoch in (1, 2, 3, 4)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8]
    )
    assert {strength_in(epoch, 4, "bn-scales", 0.8) for epoch in (1, 2, 3, 4)} == {0.8}


class LastEpoch(Checkpoint):
    """Holds the weights of the epoch that was trained last."""

    def save(self, tensors, record):
        self.weights = {name: tensor.clone() for name, tensor in without_prefix("model", tensors).items()}


def trained(few_images, penalty: str, strength: float, **changes) -> tuple[nn.Module, int]:
    net = fresh_net()
    settings = replace(SETTINGS, penalty=penalty, strength=strength, **changes)
    return net, train(net, few_images, settings, seed=0).best_epoch


@pytest.mark.parametrize("penalty", PENALTIES)
def test_at_strength_0_it_is_plain_training_to_the_last_bit(penalty, few_images, tmp_path):
    # A plain training keeps its best epoch, which need not be the last one.
    plain = LastEpoch(tmp_path / "checkpoint", "key", Stopwatch(), interval=0)
    train(fresh_net(), few_images, SETTINGS, 0, plain)
    sparse, _ = trained(few_images, penalty, 0.0)
    for name, tensor in sparse.state_dict().items():
        assert tensor.equal(plain.weights[name]), name


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_lowers_what_it_is_on(penalty, few_images):
    plain, sparse = (trained(few_images, penalty, strength)[0] for strength in (0.0, 0.1))
    assert LOSSES[penalty](sparse) < 0.95 * LOSSES[penalty](plain)


def test_network_slimming_lowers_the_share_of_large_scales(few_images):
    def large(net: nn.Module) -> float:
        scales = [layer.weight for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
        return float((torch.cat(scales).abs() > 0.9).float().mean())

    shares = [large(trained(few_images, "bn-scales", strength)[0]) for strength in (0.0, 0.01, 0.1)]
    assert shares[0] > 0.9
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.1


def test_the_last_epochs_weights_are_kept(few_images):
    # Under so strong a penalty the first epoch is the most accurate one.
    settings = replace(SETTINGS, penalty="growing", strength=20.0, epochs=4)
    net = fresh_net()
    record = train(net, few_images, settings, seed=0)
    losses = [epoch["selection_loss"] for epoch in record.epochs]
    assert losses[-1] > min(losses)
    assert record.best_epoch == 4


def test_an_interrupted_sparse_training_ends_with_the_same_weights(few_images, tmp_path):
    settings = replace(SETTINGS, penalty="growing", strength=0.1, epochs=6)
    undisturbed, interrupted, resumed = (fresh_net() for _ in range(3))
    expected = train(undisturbed, few_images, settings, seed=0)
    path = tmp_path / "checkpoint"
    with pytest.raises(InterruptionError):
        train(interrupted, few_images, settings, 0, InterruptingCheckpoint(path, "key", Stopwatch(), 0))
    record = train(resumed, few_images, settings, 0, Checkpoint(path, "key", Stopwatch()))
    assert record == expected
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_growing_penalty_has_its_whole_strength_in_the_last_epoch(few_images, monkeypatch):
    strengths = []
    monkeypatch.setattr("filterbench.training.loop.add_penalty", lambda *each: strengths.append(each[-1]))
    trained(few_images, "growing", 0.8)
    # Five steps of eight images in each of four epochs.
    assert strengths == pytest.approx([0.2] * 5 + [0.4] * 5 + [0.6] * 5 + [0.8] * 5)


def test_a_net_without_batchnorm_is_refused(few_images):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 2))
    with pytest.raises(InputError, match="the net has no BatchNorm; allowed: filter-norms, growing"):
        train(net, few_images, replace(SETTINGS, penalty="bn-scales", strength=0.1), seed=0)


def test_a_study_can_name_every_penalty():
    training = load_schema("config")["$defs"]["training"]
    assert training["properties"]["penalty"]["enum"] == [*PENALTIES]
