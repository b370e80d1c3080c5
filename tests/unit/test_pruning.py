"""Masks, speedup and counts of every pruner, on small nets with random weights."""

import csv
from pathlib import Path

import pytest
import torch
from nni_speedup import same_state, sped_up
from torch import nn

from filterbench.compaction.masks import apply_masks, read_masked_net, write_masked_net
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.compaction.speedup import check_same, compact, relative_difference, silence_masked_channels
from filterbench.costs.counting import count_net
from filterbench.models.registry import MODELS, build_model
from filterbench.pruners.nni import NNI_DISTANCE_SUM, FPGMPrunerMasker
from filterbench.pruners.registry import PRUNERS
from filterbench.pruners.search.search import compact_form
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_weights, write_weights

PUBLISHED = Path(__file__).parents[2] / "workflow/filterbench/resources/published.csv"
NO_SEARCH = None  # One-shot pruners do not look at it.
ONE_SHOT = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner")
# NNI takes the channels of all terms of a sum for the same ones, which padding moves.
WITHOUT_PADDING = [name for name in MODELS if not name.endswith("_padded")]
# The published study's, and one with depthwise convolutions. NNI's speedup takes seconds.
SPED_UP = ("vgg16", "resnet18", "mobilenetv2")


def lively_net(name: str, width: float = 1 / 8) -> nn.Module:
    """A net whose BatchNorm layers do something, as after training."""
    torch.manual_seed(0)
    model = build_model(name, width).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                nn.init.normal_(tensor, std=0.3)
            module.num_batches_tracked.fill_(8)
    return model


def convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.95])
@pytest.mark.parametrize("pruner", ONE_SHOT)
def test_one_shot_pruners_mask_the_asked_share_of_every_convolution(pruner, sparsity):
    pruned = PRUNERS[pruner].make({}).prune(lively_net("vgg16"), sparsity, NO_SEARCH)
    assert len(pruned.masks) == 13
    for name, kept in pruned.masks.items():
        assert int((~kept).sum()) == int(len(kept) * sparsity)
        weight = pruned.model.get_submodule(name).weight
        assert (weight[~kept] == 0).all()
        assert (weight[kept] != 0).any(dim=(1, 2, 3)).all()


@pytest.mark.parametrize(("pruner", "norm"), [("L1FilterPruner", 1), ("L2FilterPruner", 2)])
def test_norm_pruners_mask_the_filters_of_smallest_norm(pruner, norm):
    model = lively_net("vgg16")
    norms = model.features[3].weight.detach().flatten(1).norm(p=norm, dim=1)
    kept = PRUNERS[pruner].make({}).prune(model, 0.5, NO_SEARCH).masks["features.3"]
    assert norms[~kept].max() <= norms[kept].min()


@pytest.mark.parametrize("arguments", [{}, {"dependency_aware": True}])
@pytest.mark.parametrize("pruner", ONE_SHOT)
def test_of_equal_filters_the_first_are_masked(pruner, arguments):
    model = build_model("resnet18", 1 / 16)
    for layer in convolutions(model).values():
        nn.init.constant_(layer.weight, 0.1)
    for kept in PRUNERS[pruner].make(arguments).prune(model, 0.5, NO_SEARCH).masks.values():
        assert kept.tolist() == [index >= len(kept) // 2 for index in range(len(kept))]


def test_fpgm_masks_the_filters_nearest_to_all_others():
    model = lively_net("vgg16")
    filters = model.features[3].weight.detach().flatten(1)
    distances = torch.cdist(filters, filters).sum(dim=1)
    kept = PRUNERS["FPGMPruner"].make({}).prune(model, 0.5, NO_SEARCH).masks["features.3"]
    assert distances[~kept].max() <= distances[kept].min()


def test_dependency_aware_pruning_masks_summed_branches_alike():
    aware = PRUNERS["L1FilterPruner"].make({"dependency_aware": True})
    masks = aware.prune(lively_net("resnet18"), 0.5, NO_SEARCH).masks
    assert torch.equal(masks["stem.0.0"], masks["blocks.0.branch.2.0"])
    apart = PRUNERS["L1FilterPruner"].make({}).prune(lively_net("resnet18"), 0.5, NO_SEARCH).masks
    assert not torch.equal(apart["stem.0.0"], apart["blocks.0.branch.2.0"])


@pytest.mark.parametrize("pruner", ONE_SHOT)
@pytest.mark.parametrize("name", MODELS)
def test_the_compact_net_computes_what_the_silenced_masked_net_computes(name, pruner):
    pruned = PRUNERS[pruner].make({}).prune(lively_net(name), 0.5, NO_SEARCH)
    images = torch.randn(16, 3, 32, 32)
    as_masked = pruned.model(images).detach()
    silence_masked_channels(pruned.model, pruned.masks)
    smaller = compact(pruned.model, pruned.masks)
    assert check_same(pruned.model, smaller, images) < 1e-5
    # Without silencing, the masked channels' BatchNorm would still emit a constant.
    assert (pruned.model(images) - as_masked).abs().max() > 1e-2
    assert count_net(smaller).params < count_net(pruned.model).params


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in SPED_UP else pytest.mark.slow) for name in WITHOUT_PADDING],
)
def test_the_compact_net_is_that_of_nnis_speedup(name):
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(lively_net(name), 0.5, NO_SEARCH)
    silence_masked_channels(pruned.model, pruned.masks)
    assert same_state(compact(pruned.model, pruned.masks), sped_up(pruned.model, pruned.masks))


def test_a_spared_layer_is_that_of_nnis_speedup():
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(lively_net("vgg16"), 0.5, NO_SEARCH)
    masks = dict(list(pruned.masks.items())[3:])
    silence_masked_channels(pruned.model, masks)
    assert same_state(compact(pruned.model, masks), sped_up(pruned.model, masks))


@pytest.mark.parametrize("compacted", [compact, compact_form])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet56", "mobilenetv2"])
def test_every_filter_that_stays_can_learn(name, compacted):
    """A masked filter that a sum keeps is zero, and moves with the first step of training."""
    width = 0.5 if name == "resnet56" else 1 / 8
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(lively_net(name, width), 0.5, NO_SEARCH)
    silence_masked_channels(pruned.model, pruned.masks)
    net = compacted(pruned.model, pruned.masks).train()
    before = {name: module.weight.detach().clone() for name, module in convolutions(net).items()}
    masked = sum(int((weight.flatten(1) == 0).all(dim=1).sum()) for weight in before.values())
    assert masked > 0
    loss = nn.functional.cross_entropy(net(torch.randn(32, 3, 32, 32)), torch.arange(32) % 10)
    loss.backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    for layer, module in convolutions(net).items():
        moved = (module.weight != before[layer]).flatten(1).any(dim=1)
        assert moved.all(), layer


class Odd(nn.Module):
    """A convolution whose channels an operation joins with those of another."""

    def __init__(self, operation):
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.other = nn.Conv2d(3, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 4, 1)
        self.operation = operation

    def forward(self, images):
        return self.last(self.operation(self.one(images), self.other(images)))


def half_masked(model: nn.Module) -> dict[str, torch.Tensor]:
    return {"one": torch.arange(8) < 4, "other": torch.arange(8) % 2 == 0}


def test_a_sum_is_a_sum_however_it_is_written():
    for add in (lambda a, b: a + b, lambda a, b: a.add(b), torch.add):
        model = Odd(add).eval()
        masks = half_masked(model)
        apply_masks(model, masks)
        sliced = slice_channels(model, kept_indices(model, masks))
        images = torch.randn(4, 3, 32, 32)
        assert sliced.last.in_channels == 6
        assert check_same_maps(model, sliced, images) < 1e-6


class Averaging(nn.Module):
    """Global average pooling by a mean."""

    def __init__(self, mean):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.classifier, self.mean = nn.Linear(8, 4), mean

    def forward(self, images):
        return self.classifier(self.mean(self.norm(self.first(images)).relu()))


@pytest.mark.parametrize(
    "mean",
    [
        lambda x: x.mean((2, 3)),
        lambda x: x.mean(dim=[-1, -2]),
        lambda x: torch.mean(x, (-2, -1), keepdim=True).flatten(1),
    ],
)
def test_a_mean_over_height_and_width_is_global_average_pooling(mean):
    model = Averaging(mean).eval()
    masks = {"first": torch.arange(8) % 2 == 0}
    silence_masked_channels(model, masks)
    images = torch.randn(4, 3, 32, 32)
    for smaller in (compact(model, masks), sped_up(model, masks)):
        assert smaller.classifier.in_features == 4
        assert check_same_maps(model, smaller, images) < 1e-6


def check_same_maps(model, other, images):
    with torch.no_grad():
        return (model(images) - other(images)).abs().max()


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (lambda a, b: a * b, "mul"),
        (lambda a, b: torch.cat([a, b], dim=0), "cat"),
        (lambda a, b: a + b + 1, "add"),
        (lambda a, b: (a + b).sigmoid(), "sigmoid"),
        (lambda a, b: (a + b).mean(1, keepdim=True), "mean"),
        (lambda a, b: (a + b).mean((1, 2), keepdim=True), "mean"),
    ],
)
def test_an_operation_that_the_slicer_does_not_know_is_a_clear_error(operation, said):
    model = Odd(operation).eval()
    with pytest.raises(InputError, match=rf"operation {said}.* unknown to the channel slicer; allowed: Conv"):
        kept_indices(model, half_masked(model))


def test_what_the_slicer_took_out_it_puts_back():
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(lively_net("resnet18"), 0.5, NO_SEARCH)
    whole = pruned.model.state_dict()
    kept = kept_indices(pruned.model, pruned.masks)
    doubled = {key: 2 * tensor for key, tensor in kept.gather(whole).items()}
    changed = kept.scatter(doubled, whole)
    assert all(torch.equal(tensor, doubled[key]) for key, tensor in kept.gather(changed).items())
    zeros = {key: torch.zeros_like(tensor) for key, tensor in doubled.items()}
    emptied = kept.scatter(zeros, whole)
    left = sum(int(tensor.count_nonzero()) for tensor in emptied.values())
    assert left == sum(int(t.count_nonzero()) for t in whole.values()) - sum(
        int(t.count_nonzero()) for t in kept.gather(whole).values()
    )


def test_convolutions_may_have_biases():
    model = lively_net("vgg16")
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(torch.randn(module.out_channels))
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(model, 0.5, NO_SEARCH)
    silence_masked_channels(pruned.model, pruned.masks)
    images = torch.randn(16, 3, 32, 32)
    smaller = compact(pruned.model, pruned.masks)
    assert check_same(pruned.model, smaller, images) < 1e-5
    assert same_state(smaller, sped_up(pruned.model, pruned.masks))


def test_a_compact_net_that_computes_something_else_is_refused():
    model, other = lively_net("vgg16"), lively_net("vgg16")
    with torch.no_grad():
        other.classifier[-1].bias += 0.1
    images = torch.randn(4, 3, 32, 32)
    assert relative_difference(model, other, images) > 1e-4
    with pytest.raises(InputError, match="differs from the masked net"):
        check_same(model, other, images)
    with torch.no_grad():
        other.classifier[-1].bias += float("nan")
    with pytest.raises(InputError, match="differs from the masked net"):
        check_same(model, other, images)


@pytest.mark.parametrize(("pruner", "sparsity"), [("L1FilterPruner", 0.975), ("L2FilterPruner", 0.5)])
def test_vgg16_counts_are_the_published_ones_digit_for_digit(pruner, sparsity):
    with PUBLISHED.open(newline="") as file:
        published = {
            (int(row["params"]), int(row["flops"]))
            for row in csv.DictReader(file)
            if row["model"] == "vgg16" and row["pruner"] == pruner and row["sparsity"] == str(sparsity)
        }
    pruned = PRUNERS[pruner].make({}).prune(build_model("vgg16").eval(), sparsity, NO_SEARCH)
    counts = count_net(compact(pruned.model, pruned.masks))
    assert {(counts.params, counts.flops)} == published


@pytest.mark.parametrize("changed", [[], ["classifier.bias"]], ids=["masks alone", "weights too"])
def test_a_pruned_net_survives_the_file_which_has_what_changed(changed, tmp_path):
    model = lively_net("resnet18")
    original = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(model, 0.5, NO_SEARCH)
    path = tmp_path / "prune.safetensors"
    for name in changed:
        model.state_dict()[name].add_(1)
    write_masked_net(path, pruned, original)
    assert set(read_weights(path)) == {
        *(f"mask/{name}" for name in pruned.masks),
        *(f"weights/{name}" for name in changed),
    }
    weights, masks = read_masked_net(path, original)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in pruned.model.state_dict().items())
    assert all(torch.equal(masks[name], kept) for name, kept in pruned.masks.items())


def test_a_file_without_masks_is_refused(tmp_path):
    path, weights = tmp_path / "prune.safetensors", build_model("vgg16", 1 / 16).state_dict()
    write_weights(path, weights)
    with pytest.raises(InputError, match="not a masked net"):
        read_masked_net(path, weights)


def test_the_quick_fpgm_distances_are_nnis_to_the_last_bit():
    masker = object.__new__(FPGMPrunerMasker)
    for shape in ((16, 3, 3, 3), (32, 16, 3, 3), (8, 64, 1, 1)):
        weight = torch.randn(shape)
        for index in range(shape[0]):
            ours = masker._get_distance_sum(weight, index)
            assert torch.equal(ours, NNI_DISTANCE_SUM(masker, weight, index))
