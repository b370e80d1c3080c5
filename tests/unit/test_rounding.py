"""Channel counts that are multiples of a number."""

import pytest
import torch
from nni_speedup import same_state, sped_up
from test_pruning import WITHOUT_PADDING
from torch import nn

from filterbench.compaction.channels import channel_sources
from filterbench.compaction.masks import PrunedNet, apply_masks
from filterbench.compaction.rounding import rounded_masks, with_rounded_channels
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.compaction.speedup import check_same, compact, silence_masked_channels
from filterbench.costs.counting import count_net
from filterbench.models.depthwise import is_depthwise
from filterbench.models.registry import MODELS, build_model
from filterbench.pruners.registry import PRUNERS

MULTIPLE = 4
NO_SEARCH = None


def net(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = build_model(name, 1 / 4 if name in ("resnet56", "mobilenetv2") else 1 / 8, classes=3).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


def masks_of(name: str, sparsity: float) -> dict[str, torch.Tensor]:
    return (
        PRUNERS["L1FilterPruner"]
        .make({"dependency_aware": False})
        .prune(net(name), sparsity, NO_SEARCH)
        .masks
    )


def channels(model: nn.Module) -> dict[str, int]:
    return {
        name: module.out_channels for name, module in model.named_modules() if isinstance(module, nn.Conv2d)
    }


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in ("resnet50", "resnet56") else ())
        for name in MODELS
    ],
)
@pytest.mark.parametrize("up", [True, False])
def test_every_layer_keeps_a_multiple_or_all(name, up):
    model, masks = net(name), masks_of(name, 0.7)
    before = channels(slice_channels(model, kept_indices(model, masks)))
    rounded = rounded_masks(model, masks, MULTIPLE, up)
    silence_masked_channels(model, rounded)
    smaller = slice_channels(model, kept_indices(model, rounded))
    after, whole = channels(smaller), channels(model)
    for layer, count in after.items():
        assert count == whole[layer] or count % MULTIPLE == 0, layer
        assert count > 0
        if up:
            assert count >= before[layer]
            assert count - before[layer] < MULTIPLE
        else:
            assert count <= max(before[layer], MULTIPLE)
    # Contract of speedup, and two counters that agree.
    assert check_same(model, smaller, torch.randn(4, 3, 32, 32)) < 1e-4
    count_net(smaller)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name != "resnet18" else ()) for name in WITHOUT_PADDING],
)
@pytest.mark.parametrize("up", [True, False])
def test_the_rounded_net_is_that_of_nnis_speedup(name, up):
    model = net(name)
    rounded = rounded_masks(model, masks_of(name, 0.7), MULTIPLE, up)
    silence_masked_channels(model, rounded)
    assert same_state(compact(model, rounded), sped_up(model, rounded))


def test_the_strongest_filters_come_back_and_the_weakest_go():
    model, masks = net("vgg16"), masks_of("vgg16", 0.7)
    norms = {
        name: module.weight.abs().sum(dim=(1, 2, 3))
        for name, module in model.named_modules()
        if name in masks
    }
    up, down = (rounded_masks(model, masks, MULTIPLE, each) for each in (True, False))
    for name, kept in masks.items():
        back, gone = up[name] & ~kept, kept & ~down[name]
        assert (up[name] & kept).equal(kept)
        if back.any():
            assert norms[name][back].min() >= norms[name][~up[name]].max()
        if gone.any():
            assert norms[name][gone].max() <= norms[name][down[name]].min()


def test_a_multiple_of_one_and_a_multiple_that_is_there_change_nothing():
    model = net("vgg16")
    masks = masks_of("vgg16", 0.7)
    for multiple, given in ((1, masks), (MULTIPLE, rounded_masks(model, masks, MULTIPLE, up=True))):
        again = rounded_masks(model, given, multiple, up=True)
        assert all(again[name].equal(kept) for name, kept in given.items())


def test_a_pruner_need_not_mask_the_depthwise_convolutions():
    original, model, masks = net("mobilenetv2"), net("mobilenetv2"), masks_of("mobilenetv2", 0.7)
    own = {name: kept for name, kept in masks.items() if not is_depthwise(original.get_submodule(name))}
    apply_masks(model, own)
    rounded = with_rounded_channels(PrunedNet(model, own), original, MULTIPLE, up=True)
    assert rounded.masks.keys() > own.keys()
    for name, kept in rounded_masks(original, masks, MULTIPLE, up=True).items():
        assert rounded.masks[name].equal(kept)


def test_what_comes_back_has_the_unpruned_nets_weights_and_the_rest_its_own():
    original, trained, masks = net("resnet18"), net("resnet18"), masks_of("resnet18", 0.7)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(1)
    apply_masks(trained, masks)
    rounded = with_rounded_channels(PrunedNet(trained, masks), original, MULTIPLE, up=True)
    theirs, ours = original.state_dict(), rounded.model.state_dict()
    back = {name: rounded.masks[name] & ~kept for name, kept in masks.items()}
    assert sum(int(each.sum()) for each in back.values()) > 10
    for name, came in back.items():
        kept = masks[name]
        assert ours[f"{name}.weight"][came].equal(theirs[f"{name}.weight"][came])
        assert ours[f"{name}.weight"][kept].equal(theirs[f"{name}.weight"][kept] + 1)
        assert not ours[f"{name}.weight"][~rounded.masks[name]].any()


def test_layers_whose_outputs_are_summed_are_rounded_together():
    model, masks = net("resnet18"), masks_of("resnet18", 0.7)
    rounded = rounded_masks(model, masks, MULTIPLE, up=True)
    sources = channel_sources(model)
    together = {makers for _, makers in sources.values() if makers and len(makers) > 1}
    assert together
    for makers in together:
        union = torch.stack([rounded[name] for name in makers]).any(dim=0)
        assert int(union.sum()) % MULTIPLE == 0
