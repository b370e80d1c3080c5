"""The controls: random filters, random and uniform allocation."""

import copy
from pathlib import Path

import pytest
import settings
import torch
from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet
from filterbench.compaction.speedup import compact, silence_masked_channels
from filterbench.costs.counting import count_net
from filterbench.documents import read
from filterbench.jobs.job import Job
from filterbench.making.matching import matched_arguments
from filterbench.models.registry import MODELS, build_model
from filterbench.plotting.style import STYLES, style_of
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.controls import RandomFilters, UniformAbove, UniformAllocation, UniformSparing
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.search import Search
from filterbench.pruners.uniform import prunable_convolutions, uniform_steps
from filterbench.stages.prune import prune
from filterbench.stages.train_baseline import train_baseline

WIDTH = 1 / 16
CELL = {
    "study": "controls",
    "dataset": "digits",
    "protocol": "validation",
    "model": "vgg16",
    "width": WIDTH,
    "seed": 0,
}
TRAINING = settings.TRAINING | {"augment": False}


def new_search(images, folder: Path, seed: int = 0) -> Search:
    return Search(images, SearchSettings("compact", 8, augment=False), seed=seed, folder=folder, key="key")


def fresh_net(name: str = "vgg16", width: float = WIDTH) -> nn.Module:
    torch.manual_seed(0)
    return build_model(name, width).eval()


def as_lists(masks: ChannelMasks) -> dict[str, list[bool]]:
    return {name: kept.tolist() for name, kept in masks.items()}


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.95])
@pytest.mark.parametrize("name", MODELS)
def test_random_filters_are_the_asked_share_of_every_convolution(name, sparsity, few_images, tmp_path):
    pruned = RandomFilters().prune(fresh_net(name, 1 / 8), sparsity, new_search(few_images, tmp_path))
    convolutions = [module for module in pruned.model.modules() if isinstance(module, nn.Conv2d)]
    assert len(pruned.masks) == len(convolutions)
    for layer, kept in pruned.masks.items():
        assert int((~kept).sum()) == int(len(kept) * sparsity)
        weight = pruned.model.get_submodule(layer).weight
        assert (weight[~kept] == 0).all()
        assert (weight[kept] != 0).any(dim=(1, 2, 3)).all()


def test_random_filters_depend_on_the_seed_alone(few_images, tmp_path):
    def masks(seed: int, sparsity: float) -> ChannelMasks:
        torch.seed()  # Other weights and other draws before must not matter.
        search = new_search(few_images, tmp_path, seed)
        return RandomFilters().prune(build_model("vgg16", WIDTH), sparsity, search).masks

    first = masks(0, 0.5)
    assert as_lists(first) == as_lists(masks(0, 0.5))
    assert as_lists(first) != as_lists(masks(1, 0.5))
    for name, kept in masks(0, 0.8).items():
        assert not (kept & ~first[name]).any()


def compact_params(pruned: PrunedNet) -> int:
    silence_masked_channels(pruned.model, pruned.masks)
    return count_net(compact(pruned.model, pruned.masks)).params


@pytest.mark.parametrize(("name", "share"), [("vgg16", 0.1), ("vgg16", 0.8), ("resnet18", 0.37)])
def test_uniform_allocation_is_the_closest_step_not_above_the_params(name, share, few_images, tmp_path):
    model, search = fresh_net(name), new_search(few_images, tmp_path)
    params = round(share * count_net(model).params)
    pruned = UniformAllocation(params).prune(copy.deepcopy(model), 0.5, search)
    assert compact_params(pruned) <= params
    # Exactly the masks of L1Filter at one of the steps; one step less would leave too many params.
    l1 = PRUNERS["L1FilterPruner"].make({})
    steps = uniform_steps(model)
    by_step = [as_lists(l1.prune(copy.deepcopy(model), step, search).masks) for step in steps]
    chosen = by_step.index(as_lists(pruned.masks))
    assert compact_params(l1.prune(copy.deepcopy(model), steps[chosen - 1], search)) > params


@pytest.mark.parametrize(("name", "share"), [("vgg16", 0.1), ("resnet18", 0.37)])
def test_matched_from_above_it_is_the_next_larger_net(name, share):
    model = fresh_net(name)
    params = round(share * count_net(model).params)
    above = UniformAbove(params).prune(copy.deepcopy(model), 0.5, None)
    at_least = compact_params(above)
    assert at_least >= params > compact_params(UniformAllocation(at_least - 1).prune(model, 0.5, None))


@pytest.mark.parametrize(
    ("name", "share"),
    [("vgg16", 0.1), ("resnet18", 0.37), pytest.param("mobilenetv2", 0.3, marks=pytest.mark.slow)],
)
def test_with_the_first_two_layers_spared_the_others_lose_the_same_share(name, share):
    model = fresh_net(name)
    params = round(share * count_net(model).params)
    pruned = UniformSparing(params).prune(copy.deepcopy(model), 0.5, None)
    first, second, *others = prunable_convolutions(model)
    assert pruned.masks[first].all() and pruned.masks[second].all()
    # Of each other layer the same share, to the whole filter.
    lost = {layer: (int((~pruned.masks[layer]).sum()), len(pruned.masks[layer])) for layer in others}
    assert max(low / of for low, of in lost.values()) < min((low + 1) / of for low, of in lost.values())
    left = compact_params(pruned)
    assert left <= params
    # The uniform net of as many params has fewer filters in the first layers, and more in the last.
    uniform = UniformAllocation(params).prune(copy.deepcopy(model), 0.5, None)
    assert int(pruned.masks[others[-1]].sum()) <= int(uniform.masks[others[-1]].sum())
    assert not uniform.masks[first].all()


def test_more_params_than_the_unpruned_net_has_are_infeasible():
    model = fresh_net()
    with pytest.raises(InfeasibleError, match="the unpruned net has fewer than"):
        UniformAbove(count_net(model).params + 1).prune(model, 0.5, None)


def test_the_steps_are_all_the_nets_that_one_sparsity_gives():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 3))
    lost = [(int(4 * step), int(6 * step)) for step in uniform_steps(model)]
    assert lost == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 3), (2, 4), (3, 4), (3, 5)]


def test_params_that_no_uniform_sparsity_reaches_are_infeasible(few_images, tmp_path):
    with pytest.raises(InfeasibleError, match="same in all layers leaves 10 params"):
        UniformAllocation(10).prune(fresh_net(), 0.5, new_search(few_images, tmp_path))


def test_a_control_takes_what_the_searched_cell_did(digits_file, tmp_path):
    """Random allocation evaluates exactly as often as the annealing did, by the same base algorithm."""

    def job(inputs: dict, folder: str, pruner: str, changes: dict) -> dict:
        names = {"weights": "prune.safetensors", "document": "prune.json", "search": "search.csv"}
        params = {
            "cell": {**CELL, "pruner": pruner, "sparsity": 0.5},
            "limits": {"train": 128, "validation": 60, "test": 50},
            "device": "cpu",
            "arguments": arguments_of(pruner, changes),
            "search": {"net": "compact", "batch_size": 64, "augment": False},
            "round_channels": 1,
        }
        outputs = {name: tmp_path / folder / file for name, file in names.items()}
        prune(Job({"images": digits_file, "weights": weights} | inputs, outputs, params))
        return read(outputs["document"])

    weights = tmp_path / "model.safetensors"
    outputs = {"weights": weights, "document": tmp_path / "baseline.json"}
    limits = {"train": 128, "validation": 60, "test": 50}
    params = {"cell": CELL, "limits": limits, "device": "cpu", "training": TRAINING}
    train_baseline(Job({"images": digits_file}, outputs, params))
    changes = {"base_algo": "l2", "cool_down_rate": 0.8, "stop_temperature": 40}
    searched = job({}, "searched", "SimulatedAnnealingPruner", changes)
    inputs = {"searched_prune": tmp_path / "searched/prune.json"}
    control = job(inputs, "control", "RandomAllocationPruner", {})
    assert control["cost"] == searched["cost"]
    assert control["arguments"] == {"base_algo": "l2", "evaluations": searched["cost"]["evaluations"]}
    assert control["search"] == searched["search"]
    again = job(inputs, "again", "RandomAllocationPruner", {})
    assert again == control


def test_a_control_of_an_infeasible_cell_is_infeasible(tmp_path):
    (tmp_path / "prune.json").write_text('{"infeasible": "too little is left"}')
    cell = {**CELL, "pruner": "RandomAllocationPruner", "sparsity": 0.5}
    with pytest.raises(InfeasibleError, match="SimulatedAnnealingPruner is infeasible: too little is left"):
        matched_arguments(Job({"searched_prune": tmp_path / "prune.json"}, {}, {"cell": cell}))


def test_controls_are_grey_and_told_apart_by_marker_and_line():
    styles = [style_of(name) for name, entry in PRUNERS.items() if entry.control]
    for style in styles:
        red, green, blue = (style.color[start : start + 2] for start in (1, 3, 5))
        assert red == green == blue
    assert len({(style.color, style.marker, style.line) for style in styles}) == len(styles)
    assert len({style.label for style in styles}) == len(styles)
    own = [STYLES[name] for name, entry in PRUNERS.items() if entry.control and name in STYLES]
    assert len(own) == 6
    for attribute in ("color", "marker", "line"):
        assert len({getattr(style, attribute) for style in own}) == len(own)
    others = [style_of(name) for name, entry in PRUNERS.items() if not entry.control]
    assert {style.line for style in others} == {"-"}
