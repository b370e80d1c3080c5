"""Controls that any pruner can have: its layers cut plainly, and one sparsity at its params or FLOPs."""

import copy

import pytest
import torch
from test_own_code import remembered
from test_stages import ROUNDS, run_cell, tensors
from torch import nn

from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.costs.counting import count_net
from filterbench.documents import read
from filterbench.models.registry import build_model
from filterbench.own_code.registering import base_of, register
from filterbench.plotting.style import style_of
from filterbench.pruners.controls import UniformFlops
from filterbench.pruners.given_layers import GivenCompactLayers, GivenLayers
from filterbench.pruners.registry import PRUNERS
from filterbench.pruners.uniform import uniform_steps
from filterbench.study.reading import read_study

WEIGHTS = ("prune", "speedup", "finetune")


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    with remembered(monkeypatch):
        yield


def fresh_net(name: str, width: float = 1 / 8) -> nn.Module:
    torch.manual_seed(0)
    return build_model(name, width).eval()


def convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def compact_net(pruned) -> nn.Module:
    return slice_channels(pruned.model, kept_indices(pruned.model, pruned.masks))


@pytest.mark.parametrize("model", ["vgg16", "resnet18"])
def test_the_layers_of_an_l1_cell_are_that_cell_to_the_last_byte(model, digits_file, tmp_path):
    register([], {}, "test", ["LayersOfL1FilterPruner"])
    documents = run_cell("cpu", "LayersOfL1FilterPruner", digits_file, tmp_path, model=model, width=1 / 16)
    for kind in WEIGHTS:
        own, given = (tmp_path / folder / f"{kind}.safetensors" for folder in ("", "searched"))
        assert tensors(own) == tensors(given), kind
    assert documents["result"]["params"]["speedup"] < documents["result"]["params"]["original"]


@pytest.mark.parametrize("pruner", [pytest.param("AutoCompressPruner", marks=pytest.mark.slow), ROUNDS])
def test_the_layers_of_a_compact_net_with_sums_give_its_very_shapes(pruner, digits_file, tmp_path):
    register([], {}, "test", [f"LayersOf{pruner}"])
    documents = run_cell("cpu", f"LayersOf{pruner}", digits_file, tmp_path, model="resnet18", width=1 / 16)
    searched = read(tmp_path / "searched/count.json")
    for key in ("params", "flops"):
        assert documents["count"][key] == searched[key]
    # It inherits the unpruned net's weights, not AutoCompress's.
    own, given = (tmp_path / folder / "speedup.safetensors" for folder in ("", "searched"))
    assert tensors(own) != tensors(given)


def test_each_layer_keeps_its_filters_of_largest_norm():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([3.0, 1, 4, 2]).view(-1, 1, 1, 1).expand(4, 3, 3, 3))
        model[2].weight.copy_(torch.tensor([-5.0, 0.1, 1]).view(-1, 1, 1, 1).expand(3, 4, 3, 3))
    layers = [{"name": "0", "channels": 4, "kept": 2}, {"name": "2", "channels": 3, "kept": 1}]
    masks = GivenLayers(layers).prune(model, 0.5, None).masks
    assert masks["0"].tolist() == [True, False, True, False]
    assert masks["2"].tolist() == [True, False, False]


def test_summed_layers_of_a_compact_net_are_ranked_by_the_sum_of_their_norms():
    model = fresh_net("resnet18")
    layers = [
        {"name": name, "channels": module.out_channels, "kept": module.out_channels // 2}
        for name, module in convolutions(model).items()
    ]
    together = list(GivenCompactLayers(layers).ranked_together(model))
    summed = max(together, key=len)
    assert len(summed) > 2
    norms = sum(convolutions(model)[name].weight.detach().abs().sum(dim=(1, 2, 3)) for name in summed)
    best = set(norms.topk(len(norms) // 2).indices.tolist())
    masks = GivenCompactLayers(layers).prune(model, 0.5, None).masks
    for name in summed:
        assert set(masks[name].nonzero().flatten().tolist()) == best
    assert len(list(GivenLayers(layers).ranked_together(model))) == len(layers)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("vgg16", 0.1),
        ("vgg16", 0.6),
        ("resnet18", 0.4),
        pytest.param("mobilenetv2", 0.5, marks=pytest.mark.slow),
    ],
)
def test_uniform_at_flops_is_the_closest_step_not_above_them(name, share):
    model = fresh_net(name)
    flops = round(share * count_net(model).flops)
    pruned = UniformFlops(flops).prune(copy.deepcopy(model), 0.5, None)
    assert count_net(compact_net(pruned)).flops <= flops
    l1, steps = PRUNERS["L1FilterPruner"].make({}), uniform_steps(model)
    counts = [int((~kept).sum()) for kept in pruned.masks.values()]
    by_step = [l1.prune(copy.deepcopy(model), step, None) for step in steps]
    chosen = [[int((~kept).sum()) for kept in each.masks.values()] for each in by_step].index(counts)
    assert count_net(compact_net(by_step[chosen - 1])).flops > flops


def study(default_config: dict, *controls: str) -> dict:
    default_config["pruners"] |= {name: {} for name in controls}
    return read_study(default_config, [], {})


def test_every_pruner_of_a_study_can_have_the_controls(default_config):
    names = [
        f"{kind}{of}"
        for kind in ("LayersOf", "UniformAs", "UniformAbove", "UniformSparing", "UniformFlopsAs")
        for of in ("FPGMPruner",)
    ]
    study(default_config, *names)
    for name in names:
        assert (PRUNERS[name].searched, PRUNERS[name].control) == ("FPGMPruner", True)
        assert base_of(name) == name.replace("FPGM", "AutoCompress")
        style = style_of(name)
        assert style.marker == style_of("FPGMPruner").marker
        assert style.color[1:3] == style.color[3:5] == style.color[5:]
        assert "FPGM" in style.label
    # FPGM has no base algorithm to take; NetAdapt has.
    assert set(PRUNERS["UniformAsFPGMPruner"].matched) == {"params"}
    assert set(PRUNERS["UniformAsNetAdaptPruner"].matched) == {"params", "base_algo"}


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("LayersOfTaylorPruner", "pruners.LayersOfTaylorPruner: needs TaylorPruner among the pruners"),
        ("LayersOfNobodyPruner", "pruners: unknown 'LayersOfNobodyPruner'; allowed: "),
    ],
)
def test_a_control_of_a_pruner_that_is_not_there_is_refused(control, expected, default_config):
    with pytest.raises(Exception, match=expected):
        study(default_config, control)
