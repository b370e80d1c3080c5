"""The pruners that take whole groups of channels, on small nets with random weights."""

import copy

import pytest
import torch
from nni_speedup import same_state, sped_up
from settings import GROUP_PRUNERS
from test_pruning import lively_net
from test_searching import new_search
from torch import nn
from torch.nn.functional import cross_entropy

from filterbench.compaction.speedup import check_same, compact, silence_masked_channels
from filterbench.pruners.ranking import RULES
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.pruners.search.search import compact_form
from filterbench.storage.errors import InputError

NETS = ("vgg16", "resnet18", "mobilenetv2")


@pytest.fixture
def search(few_images, tmp_path):
    return new_search(few_images, tmp_path)


def prune(pruner, model, sparsity, search, **changes):
    return PRUNERS[pruner].make(arguments_of(pruner, changes)).prune(model, sparsity, search)


def needs_images(pruner) -> bool:
    return "images" in PRUNERS[pruner].arguments


def channels_left(model: nn.Module) -> dict[str, int]:
    return {
        name: module.out_channels for name, module in model.named_modules() if isinstance(module, nn.Conv2d)
    }


@pytest.mark.parametrize("pruner", GROUP_PRUNERS)
@pytest.mark.parametrize("name", NETS)
def test_every_masked_filter_is_really_removed(name, pruner, search):
    pruned = prune(pruner, lively_net(name), 0.5, search, **({"images": 8} if needs_images(pruner) else {}))
    assert pruned.masks.keys() == channels_left(pruned.model).keys()
    silence_masked_channels(pruned.model, pruned.masks)
    smaller = compact_form(pruned.model, pruned.masks)
    assert channels_left(smaller) == {layer: int(kept.sum()) for layer, kept in pruned.masks.items()}
    assert check_same(pruned.model, smaller, torch.randn(16, 3, 32, 32)) < 1e-5


def test_l1_masks_of_summed_branches_are_not_all_removed(search):
    pruned = PRUNERS["L1FilterPruner"].make({}).prune(lively_net("resnet18"), 0.5, search)
    left = channels_left(compact_form(pruned.model, pruned.masks))
    assert left["stem.0.0"] > int(pruned.masks["stem.0.0"].sum())


@pytest.mark.parametrize("name", NETS)
def test_the_compact_net_is_that_of_nnis_speedup(name, search):
    pruned = prune("GroupNormPruner", lively_net(name), 0.5, search)
    silence_masked_channels(pruned.model, pruned.masks)
    assert same_state(compact(pruned.model, pruned.masks), sped_up(pruned.model, pruned.masks))


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("pruner", ["GroupNormPruner", "TaylorPruner", "LAMPPruner", "SynFlowPruner"])
def test_sparsity_is_the_share_of_all_filters_or_of_each_convolutions(pruner, sparsity, search):
    masks = prune(pruner, lively_net("resnet18"), sparsity, search).masks
    kept = torch.cat(list(masks.values()))
    pruned = int((~kept).sum())
    # A channel of the largest group has a filter in each of five convolutions.
    assert int(sparsity * len(kept)) - 5 < pruned <= int(sparsity * len(kept))
    masks = prune(pruner, lively_net("resnet18"), sparsity, search, ranking="local").masks
    for kept in masks.values():
        assert int((~kept).sum()) == int(sparsity * len(kept))


@pytest.mark.parametrize("ranking", RULES)
@pytest.mark.parametrize("pruner", ["GroupNormPruner", "BNScalePruner"])
def test_every_convolution_keeps_a_channel(pruner, ranking, search):
    model = lively_net("mobilenetv2")
    with torch.no_grad():
        model.blocks[1].branch[0][0].weight.mul_(1e-6)
        model.blocks[1].branch[0][1].weight.mul_(1e-6)
    masks = prune(pruner, model, 0.99, search, ranking=ranking).masks
    assert all(kept.any() for kept in masks.values())


def test_bn_scale_ranks_by_the_batchnorm_weight_across_layers(search):
    model = lively_net("vgg16")
    norms = [module.weight.detach().abs() for module in model.features if isinstance(module, nn.BatchNorm2d)]
    masks = prune("BNScalePruner", model, 0.5, search).masks
    kept, weights = torch.cat(list(masks.values())), torch.cat(norms)
    assert weights[~kept].max() <= weights[kept].min()


def test_lamp_and_group_norm_rank_a_layer_by_its_norms(search):
    for pruner in ("LAMPPruner", "GroupNormPruner"):
        model = lively_net("vgg16")
        first, norm, following = model.features[0], model.features[1], model.features[3]
        squares = (
            first.weight.detach().square().sum(dim=(1, 2, 3))
            + norm.weight.detach().square()
            + following.weight.detach().square().sum(dim=(0, 2, 3))
        )
        kept = prune(pruner, model, 0.5, search, ranking="local").masks["features.0"]
        assert squares[~kept].max() <= squares[kept].min()


def test_lamp_and_group_norm_differ_across_layers(search):
    def sizes(pruner):
        return [int(kept.sum()) for kept in prune(pruner, lively_net("vgg16"), 0.5, search).masks.values()]

    assert sizes("LAMPPruner") != sizes("GroupNormPruner")


def test_taylor_ranks_by_weights_times_gradients(search):
    model = lively_net("vgg16")
    images = search.splits.train
    copied = copy.deepcopy(model)
    cross_entropy(copied(images.first(len(images))), images.labels).backward()
    masks = prune("TaylorPruner", model, 0.5, search, ranking="local").masks
    pairs = {"features.0": "features.3", "features.40": "classifier.0"}
    for name, following in pairs.items():
        changes = [
            (weight * weight.grad).detach().abs().flatten(2 if weight.dim() > 2 else 1)
            for weight in (copied.get_parameter(f"{layer}.weight") for layer in (name, following))
        ]
        scores = changes[0].flatten(1).sum(dim=1) + changes[1].transpose(0, 1).flatten(1).sum(dim=1)
        assert scores[~masks[name]].max() <= scores[masks[name]].min()
    assert search.cost.images_evaluated == len(images)


def test_taylor_looks_at_as_many_training_images_as_it_is_told(search, few_images, tmp_path):
    prune("TaylorPruner", lively_net("vgg16"), 0.5, search, images=8)
    assert (search.cost.images_evaluated, search.cost.images_trained) == (8, 0)
    with pytest.raises(InputError, match=r"arguments\.images: 0; allowed: at least 1"):
        prune("TaylorPruner", lively_net("vgg16"), 0.5, search, images=0)
