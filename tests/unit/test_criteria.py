"""Scores of channels, on nets of which one knows which channels must go; and rankings of scores."""

import copy
import dataclasses
import math
from itertools import combinations

import numpy as np
import pytest
import torch
from nni.algorithms.compression.v2.pytorch.pruning.tools import (
    APoZRankMetricsCalculator,
    MeanRankMetricsCalculator,
)
from nni.algorithms.compression.v2.pytorch.utils import Scaling
from scipy.optimize import brentq
from test_pruning import lively_net
from test_searching import new_search
from torch import nn
from torch.nn.functional import cross_entropy

from filterbench.pruners.groups import groups_of
from filterbench.pruners.ranking import RULES, Group, Limits
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.pruners.rounds import SCHEDULES
from filterbench.pruners.search.search import Search
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.errors import InputError

# VGG16's first convolution, its BatchNorm, and the convolution that takes its channels in.
FIRST, NORM, NEXT = "features.0", "features.1", "features.3"


@pytest.fixture
def search(few_images, tmp_path):
    return new_search(few_images, tmp_path)


def kept(pruner, model, search, sparsity=0.5, layer=FIRST, **changes):
    changes = {"ranking": "local", **changes}
    made = PRUNERS[pruner].make(arguments_of(pruner, changes))
    return made.prune(copy.deepcopy(model), sparsity, search).masks[layer]


def assert_lowest_go(scores, mask):
    assert scores[~mask].max() <= scores[mask].min()
    assert scores.unique().numel() == scores.numel()


def sums(model, term):
    """By channel of the first convolution, the sum over its weights of a term of (weight, gradient)."""
    first, norm, following = (model.get_parameter(f"{name}.weight") for name in (FIRST, NORM, NEXT))
    return (
        term(first, first.grad).flatten(1).sum(1)
        + term(norm, norm.grad)
        + term(following, following.grad).transpose(0, 1).flatten(1).sum(1)
    ).detach()


def squared_gradients(model, images, labels):
    """A copy of a net, whose gradients are the mean squared ones of single images."""
    net = copy.deepcopy(model)
    total = [torch.zeros_like(each) for each in net.parameters()]
    for image, label in zip(images, labels, strict=True):
        net.zero_grad()
        cross_entropy(net(image[None]), label[None]).backward()
        for each, parameter in zip(total, net.parameters(), strict=True):
            each += parameter.grad**2 / len(images)
    for each, parameter in zip(total, net.parameters(), strict=True):
        parameter.grad = each
    return net


def test_group_l1_ranks_by_all_weights_of_a_channel(search):
    model = lively_net("vgg16")
    assert_lowest_go(sums(model, lambda weight, _: weight.abs()), kept("GroupL1Pruner", model, search))


def test_group_fpgm_ranks_by_the_distance_to_the_other_channels(search):
    model = lively_net("vgg16")
    rows = (
        model.get_parameter(f"{FIRST}.weight").flatten(1),
        model.get_parameter(f"{NEXT}.weight").transpose(0, 1).flatten(1),
    )
    apart = sum(torch.cdist(each.abs(), each.abs()).sum(0) for each in rows).detach()
    assert_lowest_go(apart, kept("GroupFPGMPruner", model, search))


def test_hessian_ranks_by_squared_weights_times_squared_gradients(search):
    model, images = lively_net("vgg16"), search.splits.train
    net = squared_gradients(model, images.first(len(images)), images.labels)
    assert_lowest_go(sums(net, lambda weight, h: weight**2 * h), kept("HessianPruner", model, search))
    assert search.cost.images_evaluated == len(images)


def test_obdc_takes_the_nets_own_answers_for_labels(search):
    model, images = lively_net("vgg16"), search.splits.train
    with torch.no_grad():
        # So sure that it draws what it says, and not so sure that nothing could be learned.
        model.classifier[-1].weight.mul_(100)
        outputs = model(images.first(len(images)))
    assert outputs.softmax(1).max(1)[0].min() > 0.99
    net = squared_gradients(model, images.first(len(images)), outputs.argmax(1))
    weight = net.get_parameter(f"{FIRST}.weight")
    scores = (weight**2 * weight.grad).flatten(1).sum(1).detach()
    assert_lowest_go(scores, kept("OBDCPruner", model, search))


def test_synflow_ranks_by_the_flow_of_ones_through_positive_weights(search):
    model = lively_net("vgg16")
    net = copy.deepcopy(model).double()
    for name, parameter in net.named_parameters():
        parameter.data = parameter.data.abs() * (not name.endswith("bias"))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
    net.eval()(torch.ones(1, 3, 32, 32, dtype=torch.double)).sum().backward()
    assert_lowest_go(sums(net, lambda weight, grad: weight * grad), kept("SynFlowPruner", model, search))
    assert search.cost.images_evaluated == 0


def with_maps(**maps):
    """A net whose first channels, by index, have maps of zeros or of a constant."""
    model = lively_net("vgg16")
    with torch.no_grad():
        for channel, level in maps.items():
            model.get_parameter(f"{NORM}.weight")[int(channel[1:])] = 0
            model.get_parameter(f"{NORM}.bias")[int(channel[1:])] = level
    return model


@pytest.mark.parametrize(
    ("pruner", "constant_goes"),
    # A constant map has rank 1, but it is nowhere zero, has the largest mean, and depends on no other map.
    [("HRankPruner", True), ("CHIPPruner", False), ("APoZPruner", False), ("MeanActivationPruner", False)],
)
def test_channels_go_by_their_feature_maps(pruner, constant_goes, search):
    mask = kept(pruner, with_maps(c1=-1.0, c2=50.0), search, sparsity=0.25 if constant_goes else 0.125)
    assert mask.shape == (8,) and not mask[1]
    assert bool(mask[2]) != constant_goes
    assert search.cost.images_evaluated == len(search.splits.train)


@pytest.fixture
def net_and_maps(search):
    """A net of one layer, and its maps, (40, 8, 30, 30): mostly zero, one of them constant."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    net.extend((nn.Flatten(), nn.Linear(8, 2)))
    images = search.splits.train.first(40)
    with torch.no_grad():
        # No brightness of the images, so that a channel is above zero by its bias alone.
        net[0].weight -= net[0].weight.mean((1, 2, 3), keepdim=True)
        net[1].momentum = None
        net[:2](images)
        net[1].weight.copy_(torch.tensor([0, 20, 0.3, 5, 0.7, 9, 1, 2]))
        net[1].bias.copy_(net[1].weight * -torch.arange(3.4, 1.8, -0.2)).add_(torch.eye(8)[0] / 100)
        return net.eval(), net.eval()[:3](images)


def of_nni(calculator, summed):
    """NNI's metric of channels, from a sum over the forty images."""
    metrics = calculator(Scaling([1], kernel_padding_mode="back"))
    return metrics.calculate_metrics({"layer": {"weight": [40, summed]}})["layer"]["weight"]


def information_lost(maps):
    """By channel, the nuclear norm of all maps less that without it, summed over images."""
    norms = [
        [np.linalg.norm(np.delete(rows, each, axis=0), "nuc") for each in range(8)]
        for rows in maps.flatten(2).numpy()
    ]
    return -torch.tensor(norms).sum(0)


BY_MAPS = {
    "HRankPruner": lambda maps: torch.from_numpy(np.linalg.matrix_rank(maps.numpy())).sum(0),
    "CHIPPruner": information_lost,
    "APoZPruner": lambda maps: (maps > 0).sum((0, 2, 3)),
    "MeanActivationPruner": lambda maps: maps.mean((0, 2, 3)),
}


def assert_ranked_by(scores, pruner, net, search):
    """Of eight channels, the lowest goes at the first sparsity, and the highest always stays."""
    made = PRUNERS[pruner].make(arguments_of(pruner, {"ranking": "local"}))
    masks = made.ranked(net, search)
    places = sum(masks(number / 8)["0"].int() for number in range(1, 8))
    assert scores.unique().numel() == 8
    assert torch.equal(places, scores.argsort().argsort())


@pytest.mark.parametrize("pruner", BY_MAPS)
def test_feature_maps_rank_by_the_papers_formulas(pruner, net_and_maps, search):
    net, maps = net_and_maps
    assert_ranked_by(BY_MAPS[pruner](maps), pruner, net, search)


def test_formulas_of_feature_maps_rank_the_test_net_differently(net_and_maps):
    others = (lambda maps: maps.square().mean((0, 2, 3)), lambda maps: maps.std((2, 3)).mean(0))
    orders = [formula(net_and_maps[1]).argsort() for formula in (*BY_MAPS.values(), *others)]
    assert not any(torch.equal(one, other) for one, other in combinations(orders, 2))


def test_activations_rank_as_nnis_on_the_same_maps(net_and_maps, search):
    net, maps = net_and_maps
    apoz = of_nni(APoZRankMetricsCalculator, (maps == 0).float().sum(0))
    assert_ranked_by(apoz, "APoZPruner", net, search)
    assert_ranked_by(of_nni(MeanRankMetricsCalculator, maps.sum(0)), "MeanActivationPruner", net, search)


def test_of_two_equal_maps_chip_removes_one(search):
    model = lively_net("vgg16")
    with torch.no_grad():
        for name in (FIRST, NORM):
            layer = model.get_submodule(name)
            for tensor in (*layer.parameters(), *(b for b in layer.buffers() if b.dim())):
                tensor[5] = tensor[3]
    mask = kept("CHIPPruner", model, search, sparsity=0.125, images=8)
    assert not (mask[3] and mask[5])


def test_group_random_is_drawn_by_the_seed(search):
    model = lively_net("vgg16")
    masks = []
    for seed in (0, 0, 1):
        search.seed = seed
        masks.append(kept("GroupRandomPruner", model, search))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def group(*scores, layers=1, structure=(), density=1.0):
    names = [f"layer{number}" for number in range(layers)]
    return Group(names, torch.tensor(scores, dtype=torch.float), structure, density)


def lost(rule, groups, sparsity, smallest_share=0.0, spared=()):
    whole = [len(each.scores) for each in groups]
    limits = Limits(smallest_share, [index in spared for index in range(len(groups))], whole)
    return [int((~each).sum()) for each in RULES[rule](groups, sparsity, limits)]


LOW, HIGH = group(1, 2, 3, 4, structure=("a",)), group(11, 12, 13, 14, structure=("b",))


def test_the_ranking_decides_what_a_group_loses():
    assert lost("global", [LOW, HIGH], 0.375) == [3, 0]
    assert lost("isomorphic", [LOW, HIGH], 0.25) == [1, 1]
    assert lost("isomorphic", [LOW, group(11, 12, 13, 14, structure=("a",))], 0.25) == [2, 0]
    assert lost("local", [LOW, HIGH], 0.5) == [2, 2]


def test_no_ranking_takes_more_than_the_limits_leave():
    for rule in RULES:
        assert lost(rule, [LOW, HIGH], 0.99) == [3, 3]
        assert lost(rule, [LOW, HIGH], 0.99, smallest_share=0.3) == [2, 2]
        assert lost(rule, [LOW, HIGH, LOW], 0.9, spared=(0, 2))[::2] == [0, 0]
    # What one group may not lose, another one does.
    assert lost("global", [LOW, HIGH], 0.5, smallest_share=0.5) == [2, 2]


def test_erk_takes_more_of_large_layers_and_the_asked_share_of_all():
    small, large = group(*range(10), density=0.9), group(*range(90), density=0.1)
    gone = lost("erk", [small, large], 0.5)
    # Scaled by 50 / (9 + 9), the small layer's density is above 1.
    assert gone == [0, 50]
    gone = lost("erk", [group(*range(10), density=0.4), group(*range(90), density=0.2)], 0.5)
    # 50 / (4 + 18) times its density of each.
    assert gone == [int(10 * (1 - 0.4 * 50 / 22)), int(90 * (1 - 0.2 * 50 / 22))]


def test_erk_goes_by_the_kernels_of_a_nets_layers(search):
    model = lively_net("resnet18")
    made = PRUNERS["GroupNormPruner"].make(arguments_of("GroupNormPruner", {"ranking": "erk"}))
    masks = made.prune(copy.deepcopy(model), 0.5, search).masks
    groups = [each.layers for each in groups_of(model, lambda group: torch.zeros(len(group[0].idxs)))]
    shapes = [[model.get_submodule(layer).weight.shape for layer in layers] for layers in groups]
    densities = [np.mean([sum(shape) / math.prod(shape) for shape in own]) for own in shapes]
    filters = [sum(shape[0] for shape in own) for own in shapes]

    def shares(scale):
        return np.minimum(1, np.multiply(scale, densities))

    scale = brentq(lambda scale: shares(scale) @ filters - 0.5 * sum(filters), 0, 1 / min(densities))
    for layers, share in zip(groups, shares(scale), strict=True):
        for kept in (masks[layer] for layer in layers):
            assert int((~kept).sum()) == int((1 - share) * len(kept))


def test_isomorphic_compares_groups_of_the_same_kinds_of_layers(search):
    """The convolution before the classifier, and another of the same width before a convolution."""
    model, last, inner = lively_net("vgg16"), "features.40", "features.37"
    norms = {last: "features.41", inner: "features.38"}
    with torch.no_grad():
        for norm in norms.values():
            model.get_parameter(f"{norm}.weight").mul_(1e-3)
    gone = {
        ranking: [
            int((~kept("BNScalePruner", model, search, 0.5, layer, ranking=ranking)).sum())
            for layer in (last, inner)
        ]
        for ranking in ("global", "isomorphic", "local")
    }
    assert gone == {"global": [63, 63], "isomorphic": [32, 63], "local": [32, 32]}


def in_rounds(model, search, **changes):
    changes = {"rounds": 3, "ranking": "local", **changes}
    made = PRUNERS["GroupNormPruner"].make(arguments_of("GroupNormPruner", changes))
    return made.prune(copy.deepcopy(model), 0.5, search)


def channels(net):
    return {name: layer.out_channels for name, layer in net.named_modules() if isinstance(layer, nn.Conv2d)}


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "mobilenetv2"])
def test_rounds_remove_what_one_round_removes(name, search):
    model = lively_net(name)
    pruned = in_rounds(model, search)
    assert pruned.compact and not pruned.masks
    at_once = in_rounds(model, search, rounds=1)
    kept = {layer: int(at_once.masks[layer].sum()) for layer in channels(model)}
    assert channels(pruned.model) == kept
    # Two trainings of an epoch each.
    assert search.cost.images_trained == 2 * len(search.splits.train)
    assert pruned.model(search.splits.train.first(4)).isfinite().all()


@pytest.mark.parametrize("ranking", ["local", "global", "isomorphic", "erk"])
def test_many_small_rounds_reach_the_sparsity(ranking, search):
    model = lively_net("resnet18")
    for rounds in (1, 20):
        pruned = in_rounds(model, search, rounds=rounds, round_epochs=0, ranking=ranking)
        masks = {layer: int(kept.sum()) for layer, kept in pruned.masks.items()}
        left = sum((masks or channels(pruned.model)).values()) / sum(channels(model).values())
        # A channel of the largest group costs one filter in each of its layers.
        assert 0.5 <= left < 0.6


def test_rounds_leave_multiples_of_channels(search):
    model = lively_net("vgg16")
    pruned = in_rounds(model, dataclasses.replace(search, round_channels=3))
    whole, left = channels(model), channels(pruned.model)
    assert all(count % 3 == 0 or count == whole[layer] for layer, count in left.items())
    assert sum(left.values()) < 0.75 * sum(whole.values())


def test_a_net_without_batch_normalisation_has_no_scales(search):
    model = lively_net("vgg16")
    model.get_submodule("features")[1] = nn.Identity()
    with pytest.raises(InputError, match=r"features.0: BNScaleImportance finds nothing to score"):
        kept("BNScalePruner", model, search)


def test_one_round_is_the_one_shot_pruner(search):
    model = lively_net("resnet18")
    one, plain = (
        PRUNERS["TaylorPruner"]
        .make(arguments_of("TaylorPruner", changes))
        .prune(copy.deepcopy(model), 0.5, search)
        for changes in ({"rounds": 1, "schedule": "linear", "round_epochs": 3}, {})
    )
    assert all(torch.equal(kept, plain.masks[layer]) for layer, kept in one.masks.items())
    assert all(
        torch.equal(a, b) for a, b in zip(one.model.parameters(), plain.model.parameters(), strict=True)
    )
    assert search.cost.images_trained == 0


def test_rounds_go_on_where_they_were_interrupted(few_images, tmp_path, monkeypatch):
    model = lively_net("vgg16")
    whole = in_rounds(model, new_search(few_images, tmp_path / "whole"), round_epochs=2).model.state_dict()
    monkeypatch.setattr(Checkpoint, "due", lambda _: True)
    steps = Search.train_steps

    def stop(search, net, optimizer, number, *seeds):
        if seeds == (1, 1):
            raise KeyboardInterrupt
        steps(search, net, optimizer, number, *seeds)

    monkeypatch.setattr(Search, "train_steps", stop)
    with pytest.raises(KeyboardInterrupt):
        in_rounds(model, new_search(few_images, tmp_path / "cut"), round_epochs=2)
    trained = []
    monkeypatch.setattr(Search, "train_steps", lambda *given: trained.append(given[-2:]) or steps(*given))
    search = new_search(few_images, tmp_path / "cut")
    again = in_rounds(model, search, round_epochs=2).model.state_dict()
    assert trained == [(1, 1)]
    assert search.cost.images_trained == 4 * len(few_images.train)
    assert all(torch.equal(tensor, again[name]) for name, tensor in whole.items())


@pytest.mark.parametrize(
    ("schedule", "gone"),
    [
        ("cubic", [0.2891, 0.4375, 0.4922, 0.5]),
        ("linear", [0.125, 0.25, 0.375, 0.5]),
        ("geometric", [0.1591, 0.2929, 0.4054, 0.5]),
    ],
)
def test_how_much_is_gone_after_each_of_four_rounds(schedule, gone):
    found = [SCHEDULES[schedule](0.5, (number + 1) / 4) for number in range(4)]
    assert found == pytest.approx(gone, abs=1e-4)


@pytest.mark.parametrize(
    ("schedule", "gone"),
    [("cubic", [18, 28, 31, 32]), ("linear", [8, 16, 24, 32]), ("geometric", [10, 18, 25, 32])],
)
def test_a_pruner_in_rounds_keeps_to_the_schedule(schedule, gone, search, monkeypatch):
    model, left = lively_net("vgg16"), []
    monkeypatch.setattr(Search, "train_steps", lambda _, net, *rest: left.append(channels(net)))
    left.append(channels(in_rounds(model, search, rounds=4, schedule=schedule).model))
    assert [64 - each["features.40"] for each in left] == gone


def test_a_share_is_protected_of_what_there_was_at_first(search):
    pruned = in_rounds(lively_net("vgg16"), search, rounds=4, smallest_share=0.6)
    for layer, count in channels(pruned.model).items():
        assert count >= 0.6 * channels(lively_net("vgg16"))[layer]


class Backwards(nn.Module):
    """A net that defines its layers in another order than it runs them."""

    def __init__(self):
        super().__init__()
        self.last = nn.Conv2d(4, 4, 3)
        self.middle = nn.Conv2d(4, 4, 3)
        self.first = nn.Conv2d(3, 4, 3)
        self.classifier = nn.Linear(4, 2)

    def forward(self, images):
        return self.classifier(self.last(self.middle(self.first(images))).mean((2, 3)))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("vgg16", {FIRST}, {"features.40"}),
        (
            "resnet18",
            {"stem.0.0", "blocks.0.branch.2.0", "blocks.1.branch.2.0"},
            {"blocks.6.branch.2.0", "blocks.6.shortcut.0", "blocks.7.branch.2.0"},
        ),
        (
            "resnet50",
            {"stem.0.0"},
            {"blocks.13.shortcut.0", *(f"blocks.{block}.branch.4.0" for block in (13, 14, 15))},
        ),
        ("mobilenetv2", {"stem.0.0", "blocks.0.branch.0.0"}, {"head.0.0"}),
        ("backwards", {"first"}, {"last"}),
    ],
)
def test_the_groups_of_the_first_and_the_last_convolution_can_stay_whole(name, first, last, search):
    model = Backwards().eval() if name == "backwards" else lively_net(name)
    for spared, stays in (("none", set()), ("first", first), ("last", last), ("ends", first | last)):
        changes = arguments_of("GroupNormPruner", {"ranking": "local", "spared": spared})
        masks = PRUNERS["GroupNormPruner"].make(changes).prune(copy.deepcopy(model), 0.5, search).masks
        assert {layer for layer, kept in masks.items() if kept.all()} == stays
