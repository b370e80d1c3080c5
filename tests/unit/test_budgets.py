"""Budgets of FLOPs and latency: costs, what meets them, and studies that ask for them."""

import copy
from functools import cache, partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from counts import counted
from settings import few_group_pruners
from torch import nn

from filterbench.analysis.budgets import as_curves, sparsity_cells
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.seeds import with_statistics
from filterbench.compaction.exporting import layer_onnx
from filterbench.compaction.masks import ChannelMasks, PrunedNet
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.costs import latency_table
from filterbench.costs.budget import Budget
from filterbench.costs.counting import count_net
from filterbench.costs.latency_table import LatencyCost, measure_table
from filterbench.costs.layer_costs import FlopsCost, count_shapes
from filterbench.documents import check
from filterbench.domain.targets import Target, parse_target, target_of
from filterbench.forecasting.expected import UniformNet
from filterbench.making.searching import write_snapshots
from filterbench.models.registry import MODELS, build_model
from filterbench.plotting.comparison import draw_comparison
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.net_adapt import NetAdapt, Snapshot
from filterbench.pruners.search.search import Search, compact_form
from filterbench.pruners.uniform_budgets import prune_uniformly
from filterbench.stages.compare import collection
from filterbench.storage.errors import InputError
from filterbench.study.cells import cells
from filterbench.study.config import check_config

NO_SEARCH = None
SHARES = [0.7, 0.5, 0.3, 0.1]
NET_ADAPT = {"sparsity_per_iteration": 0.1, "short_term_steps": 1, "short_term_learning_rate": 0.01}


def fresh_net(name: str, width: float) -> nn.Module:
    torch.manual_seed(0)
    return build_model(name, width).eval()


def random_masks(model: nn.Module) -> dict[str, torch.Tensor]:
    """Any filters of two convolutions in three, but never all of a convolution."""
    generator = torch.Generator().manual_seed(0)
    masks = {}
    for index, (name, module) in enumerate(model.named_modules()):
        if isinstance(module, nn.Conv2d) and index % 3:
            masks[name] = torch.rand(module.out_channels, generator=generator) < 0.4
            masks[name][0] = True
    return masks


def one_filter_each(model: nn.Module) -> dict[str, torch.Tensor]:
    """Each convolution's first filter alone."""
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    return {name: torch.arange(module.out_channels) == 0 for name, module in convolutions.items()}


@pytest.mark.parametrize("name", MODELS)
def test_flops_from_channel_counts_equal_those_of_nnis_counter(name):
    model = fresh_net(name, 1 / 8)
    cost = FlopsCost(model)
    assert cost({}) == count_net(model).flops
    for masks in (random_masks(model), one_filter_each(model)):
        smaller = slice_channels(model, kept_indices(model, masks))
        assert cost(masks) == count_net(smaller).flops < cost({})


def test_counts_from_shapes_and_of_masked_nets_equal_those_of_nnis_counter():
    """Pools and LeakyReLU, too, which a user's own net may have as modules, and may call several times."""
    slope, pool = nn.LeakyReLU(), nn.AvgPool2d(2)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), slope, pool, nn.Conv2d(6, 4, 1), slope, pool]
    pools = [nn.AdaptiveAvgPool2d(4), nn.AdaptiveAvgPool2d(1)]
    model = nn.Sequential(*layers, *pools, nn.Flatten(), nn.Linear(4, 10)).eval()
    nnis = count_net(model)
    found = count_shapes(model)
    assert (found["params"], found["flops"]) == (nnis.params, nnis.flops)
    cost, masks = FlopsCost(model), {"0": torch.arange(6) < 2}
    assert cost({}) == nnis.flops
    assert cost(masks) == count_net(compact_form(model, masks)).flops < cost({})
    forecast = UniformNet(model)
    assert (forecast.flops, forecast.convolutions) == (nnis.flops, 2)


def test_a_net_that_costs_just_its_budget_meets_it():
    """Costs of 100 unpruned, and of as many as there are masks."""
    budget = Budget(0.5, lambda masks: len(masks) or 100)
    masks = [dict.fromkeys(map(str, range(count))) for count in (48, 49, 50, 51)]
    assert [budget.met(each) for each in masks] == [True, True, True, False]
    # From 2 % below it.
    assert [budget.used(each) for each in masks] == [False, True, True, True]


class L1Once:
    """L1Filter's masks of one net, each sparsity computed once for several budgets."""

    def __init__(self, model: nn.Module) -> None:
        pruner = PRUNERS["L1FilterPruner"].make({})
        self._pruned = cache(lambda sparsity: pruner.prune(copy.deepcopy(model), sparsity, NO_SEARCH))

    def prune(self, model: nn.Module, sparsity: float, search: None) -> PrunedNet:
        return self._pruned(sparsity)


@pytest.mark.parametrize(
    ("name", "width"),
    [("vgg16", 1 / 4), ("resnet18", 1 / 16), pytest.param("resnet50", 1 / 16, marks=pytest.mark.slow)],
)
def test_a_uniform_sparsity_ends_within_two_percent_below_a_flops_budget(name, width):
    model = fresh_net(name, width)
    cost, pruner = FlopsCost(model), L1Once(model)
    for share in SHARES:
        masks = prune_uniformly(pruner, model, Budget(share, cost), NO_SEARCH).masks
        assert 0.98 * share <= cost(masks) / cost({}) <= share
        sparsities = [1 - float(kept.float().mean()) for kept in masks.values()]
        steps = [1 / len(kept) for kept in masks.values()]
        # No layer is further than a filter from the same sparsity.
        assert max(s - step for s, step in zip(sparsities, steps, strict=True)) <= min(
            s + step for s, step in zip(sparsities, steps, strict=True)
        )


ONE_SHOT = [name for name, entry in PRUNERS.items() if entry.budgets and not entry.searches]


@pytest.mark.parametrize("pruner", few_group_pruners(ONE_SHOT))
def test_every_one_shot_pruner_meets_a_budget_and_masks_its_net(pruner, search):
    model = fresh_net("resnet18", 1 / 8)
    cost = FlopsCost(model)
    pruned = prune_uniformly(PRUNERS[pruner].make(arguments_of(pruner, {})), model, Budget(0.4, cost), search)
    assert 0.98 * 0.4 <= cost(pruned.masks) / cost({}) <= 0.4
    for name, kept in pruned.masks.items():
        assert (pruned.model.get_submodule(name).weight[~kept] == 0).all()


@pytest.mark.parametrize("pruner", ["GroupNormPruner", "TaylorPruner", "APoZPruner"])
def test_whole_groups_of_channels_are_given_back(pruner, search):
    """What a budget leaves of a sum is the same in all its branches, so that speedup removes the rest."""
    model = fresh_net("resnet18", 1 / 8)
    cost = FlopsCost(model)
    pruned = prune_uniformly(
        PRUNERS[pruner].make(arguments_of(pruner, {})), copy.deepcopy(model), Budget(0.37, cost), search
    )
    assert cost(pruned.masks) / cost({}) <= 0.37
    for block in range(len(model.blocks)):
        kept = pruned.masks[f"blocks.{block}.branch.2.0"]
        before = f"blocks.{block - 1}.branch.2.0" if block else "stem.0.0"
        together = f"blocks.{block}.shortcut.0" if block % 2 == 0 and block else before
        assert torch.equal(kept, pruned.masks[together]), block


class Plain:
    """A pruner that hides that it ranks."""

    def __init__(self, pruner) -> None:
        self.prune = pruner.prune


@pytest.mark.parametrize(
    "pruner",
    [
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("HessianPruner", "OBDCPruner")),
        "CHIPPruner",
        "GroupRandomPruner",
    ],
)
def test_a_net_is_scored_once_for_all_sparsities(pruner, search):
    model, made = fresh_net("vgg16", 1 / 16), PRUNERS[pruner].make(arguments_of(pruner, {}))
    budget = Budget(0.4, FlopsCost(model))
    once = prune_uniformly(made, copy.deepcopy(model), budget, search).masks
    assert search.cost.images_evaluated == min(made.images or 0, len(search.splits.train))
    each = prune_uniformly(Plain(made), copy.deepcopy(model), budget, search).masks
    assert all(torch.equal(kept, each[layer]) for layer, kept in once.items())


def test_a_budget_below_one_filter_a_layer_is_infeasible():
    model = fresh_net("resnet18", 1 / 16)
    with pytest.raises(InfeasibleError, match="still has 8.04% of the unpruned one's cost"):
        prune_uniformly(PRUNERS["L1FilterPruner"].make({}), model, Budget(0.05, FlopsCost(model)), NO_SEARCH)


@pytest.fixture
def search(few_images, tmp_path) -> Search:
    return new_search(few_images, tmp_path)


def new_search(images, folder: Path) -> Search:
    return Search(images, SearchSettings("compact", 8, augment=False), seed=0, folder=folder, key="key")


def two_class_net(name: str, width: float) -> nn.Module:
    torch.manual_seed(0)
    return build_model(name, width, classes=2).eval()


def within(
    model: nn.Module, share: float, search: Search, pruner: str, changes: dict[str, float]
) -> PrunedNet:
    made = PRUNERS[pruner].make(arguments_of(pruner, changes))
    return made.prune_within(copy.deepcopy(model), Budget(share, FlopsCost(model)), search)


annealed = partial(within, pruner="SimulatedAnnealingPruner", changes={"cool_down_rate": 0.6})
drawn = partial(within, pruner="EagleEyePruner", changes={"evaluations": 5})
by_sensitivity = partial(within, pruner="SensitivityPruner", changes={"rates": 1})


def adapted(model: nn.Module, share: float, search: Search) -> PrunedNet:
    arguments = arguments_of("NetAdaptPruner", NET_ADAPT)
    path = NetAdapt(**arguments).path_within(model, FlopsCost(model), search)
    path.snapshots([share])
    return path.finish(share)


@pytest.mark.parametrize(
    ("prune", "share"), [(annealed, 0.6), (annealed, 0.1), (drawn, 0.6), (adapted, 0.6), (adapted, 0.1)]
)
def test_a_search_ends_within_two_percent_below_its_budget(prune, share, search):
    model = two_class_net("vgg16", 1 / 16)
    cost = FlopsCost(model)
    masks = prune(model, share, search).masks
    assert 0.98 * share <= cost(masks) / cost({}) <= share
    assert search.cost.evaluations == len(search.steps) > 3
    # The layers differ: a uniform sparsity would not need a search.
    names = (name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    assert len({float(masks[name].float().mean()) if name in masks else 1.0 for name in names}) > 2


@pytest.mark.parametrize("prune", [annealed, drawn, by_sensitivity, adapted])
def test_a_search_says_when_no_filter_is_left_to_take(prune, search):
    with pytest.raises(
        InfeasibleError, match="one filter in each convolution|no convolution has filters left"
    ):
        prune(two_class_net("resnet18", 1 / 32), 0.05, search)


class KilledError(Exception):
    """Stands for a process that ends in the middle of a search."""


@pytest.mark.parametrize("prune", [annealed, drawn, by_sensitivity, adapted])
def test_an_interrupted_search_under_a_budget_ends_with_the_same_masks(
    prune, few_images, tmp_path, monkeypatch
):
    model = two_class_net("vgg16", 1 / 16)
    expected = prune(model, 0.6, new_search(few_images, tmp_path / "undisturbed")).masks
    evaluate, done = Search.evaluate, []

    def evaluate_and_die(search, net):
        if len(done) == 3:
            raise KilledError
        done.append(net)
        return evaluate(search, net)

    monkeypatch.setattr(Search, "evaluate", evaluate_and_die)
    with pytest.raises(KilledError):
        prune(model, 0.6, new_search(few_images, tmp_path / "interrupted"))
    monkeypatch.setattr(Search, "evaluate", evaluate)
    again = new_search(few_images, tmp_path / "interrupted")
    found = prune(model, 0.6, again).masks
    assert {name: kept.tolist() for name, kept in found.items()} == {
        name: kept.tolist() for name, kept in expected.items()
    }


def test_one_trajectory_serves_all_budgets(few_images, tmp_path):
    model = two_class_net("vgg16", 1 / 16)
    cost = FlopsCost(model)
    arguments = arguments_of("NetAdaptPruner", NET_ADAPT)
    pruner = NetAdapt(**arguments)
    snapshots = pruner.path_within(model, cost, new_search(few_images, tmp_path)).snapshots([0.5, 0.8])
    assert [snapshot.target for snapshot in snapshots] == [0.8, 0.5]
    # One file holds all snapshots, which share no tensors.
    write_snapshots(tmp_path / "snapshots.safetensors", "flops", snapshots)
    larger, smaller = (snapshot.masks for snapshot in snapshots)
    assert all((kept <= larger.get(name, torch.ones_like(kept))).all() for name, kept in smaller.items())

    def net_within(budget: float, snapshot: Snapshot, folder: str) -> ChannelMasks:
        path = pruner.path_within(model, cost, new_search(few_images, tmp_path / folder))
        path.restore(snapshot)
        return path.finish(budget).masks

    for snapshot in snapshots:
        budget = snapshot.target
        masks = net_within(budget, snapshot, f"shared-{budget}")
        assert 0.98 * budget <= cost(masks) / cost({}) <= budget
        # What other budgets the study has changes nothing.
        alone = pruner.path_within(model, cost, new_search(few_images, tmp_path / f"{budget}"))
        (single,) = alone.snapshots([budget])
        expected = net_within(budget, single, f"alone-{budget}")
        assert all(torch.equal(kept, expected[name]) for name, kept in masks.items())


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_a_latency_table_estimates_what_its_layers_took(runtime, monkeypatch):
    made = []
    monkeypatch.setattr(latency_table, "layer_onnx", lambda layer: made.append(layer) or layer_onnx(layer))
    model = fresh_net("resnet18", 1 / 8)
    entries = measure_table(model, batch=2, runs=3, warm_up=1, runtime=runtime)
    points = sum(len(entry["inputs"]) * len(entry["outputs"]) for entry in entries)
    assert len(made) == (points if runtime == "onnxruntime" else 0)
    measured = [name for entry in entries for name in entry["names"]]
    assert sorted(measured) == sorted(
        name for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
    )
    by_layer = {name: entry for entry in entries for name in entry["names"]}
    assert by_layer["stem.0.0"]["inputs"] == [3]
    assert by_layer["classifier"]["outputs"] == [10]
    assert by_layer["blocks.4.branch.0.0"]["inputs"] == [1, 3, 5, 7, 9, 11, 13, 15, 16]


def test_latency_is_interpolated_between_measured_channel_counts_and_never_falls():
    model = fresh_net("vgg16", 1 / 16)
    entries = measure_table(model, batch=1, runs=1, warm_up=0)
    for entry in entries:
        entry["milliseconds"] = [[10.0 * i + o for o in entry["outputs"]] for i in entry["inputs"]]
    cost = LatencyCost(model, entries)
    masks = {"features.0": torch.tensor([True, True, False, False])}
    # The first convolution gives two channels less, the second takes two less.
    assert cost({}) - cost(masks) == pytest.approx(2 + 10 * 2)
    first = next(entry for entry in entries if "features.0" in entry["names"])
    first["milliseconds"] = [[9.0] * len(first["outputs"])]
    first["milliseconds"][0][-1] = 1.0
    noisy = LatencyCost(model, entries)
    # A wider layer is no faster than a narrower one; the unpruned one alone counts as it was measured.
    assert noisy({}) - noisy(masks) == pytest.approx(1.0 - 9.0 + 10 * 2)
    fewer = {"features.0": torch.tensor([True, True, True, False])}
    assert noisy(fewer) - noisy(masks) == pytest.approx(10)


def test_a_target_is_read_back_from_its_path_and_document():
    for target in (Target("sparsity", 1e-5), Target("sparsity", 0.5), Target("flops", 0.3)):
        assert parse_target(str(target)) == target == target_of(target.document())
    assert str(Target("latency", 0.5)) == "latency-0.5"


def test_rounds_support_no_budgets(default_config):
    default_config |= {"budgets": {"flops": [0.5]}}
    default_config["pruners"]["GroupNormPruner"] = {"arguments": {"rounds": 2}}
    with pytest.raises(InputError, match=r"GroupNormPruner\.arguments\.rounds: 2; with budgets, only 1"):
        check_config(default_config, "mine.yaml")


def test_a_study_with_budgets_has_their_cells_but_none_of_a_pruner_that_cannot_search_so(default_config):
    default_config |= {"sparsities": [0.5], "budgets": {"flops": [0.5, 0.3], "latency": [0.7]}}
    del default_config["models"]["resnet50"], default_config["models"]["resnet18"]
    default_config |= {"seeds": [0]}
    default_config["pruners"]["L2FilterPruner"] = {"sparsities": {"vgg16": []}}
    check_config(default_config, "mine.yaml")
    targets: dict[str, list[str]] = {}
    for cell in cells(default_config):
        targets.setdefault(cell.pruner, []).append(str(cell.target))
    everything = ["0.5", "flops-0.5", "flops-0.3", "latency-0.7"]
    takers = ["L1FilterPruner", "FPGMPruner", "NetAdaptPruner", "SimulatedAnnealingPruner"]
    assert targets == dict.fromkeys(takers, everything) | {"AutoCompressPruner": ["0.5"]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sparsities": []}, r"sparsities: \[\] leaves no cells in a study without budgets"),
        (
            {"budgets": {"flops": [0.5]}, "models": {"mobilenetv2": {"width": 0.25}}},
            "budgets: mobilenetv2 has depthwise convolutions, which budgets do not support",
        ),
        ({"budgets": {"energy": [0.5]}}, "budgets: unknown key 'energy'; allowed: flops, latency"),
        ({"budgets": {"flops": [1.5]}}, r"budgets.flops\[0\]: 1.5 is greater than or equal to the maximum"),
        (
            {"sparsities": [], "budgets": {"flops": [0.5]}, "pruners": {"AutoCompressPruner": {}}},
            "pruners.AutoCompressPruner: cannot search under a budget, and has no sparsities",
        ),
    ],
)
def test_a_mistake_in_budgets_is_one_clear_line(changes, expected, default_config):
    with pytest.raises(InputError, match=f"^mine.yaml: {expected}"):
        check_config(default_config | changes, "mine.yaml")


def cells_table() -> pd.DataFrame:
    """A pruner at the same value as a sparsity and as a budget."""
    common = {"model": "vgg16", "pruner": "L1FilterPruner", "seed": 0, "infeasible": None}
    originals = {"performance_original": 0.9, "params_original": 100, "flops_original": 100}
    rows = [
        {"sparsity": 0.5, "target": "0.5", "performance_finetuned": 0.8, "params_compact": 30},
        {"sparsity": None, "target": "flops-0.5", "performance_finetuned": 0.7, "params_compact": 20},
    ]
    return pd.DataFrame(
        [{**common, **originals, **row, "flops_compact": row["params_compact"]} for row in rows]
    )


def test_budget_cells_are_neither_merged_nor_dropped():
    table = cells_table()
    found = collection(table)
    assert found == {
        "L1FilterPruner": [{"sparsity": 0.5, "params": 30, "flops": 30, "performance": 0.8}],
        "L1FilterPruner (FLOPs budget)": [{"budget": 0.5, "params": 20, "flops": 20, "performance": 0.7}],
    }
    assert check("comparison", found) == []
    assert list(sparsity_cells(table)["target"]) == ["0.5"]
    curves = with_fronts(with_statistics(as_curves(table)))
    assert list(curves["pareto_params"]) == [True, True]
    figure = draw_comparison(curves, "title")
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    asked, budget = lines["L1Filter"], lines["L1Filter (FLOPs budget)"]
    assert (asked.get_color(), asked.get_linestyle()) == (budget.get_color(), "-")
    assert budget.get_linestyle() == "--"


def test_a_count_above_its_budget_is_a_fault():
    cell = {
        "study": "s",
        "dataset": "digits",
        "protocol": "test",
        "model": "vgg16",
        "width": 1,
        "seed": 0,
        "pruner": "L1FilterPruner",
        "flops": 0.5,
    }
    document = counted(cell, 100, 51)
    assert [str(fault) for fault in check("count", document)] == ["$.flops.speedup: 51 is above 0.5 of 100"]
    both = {**document, "cell": {**cell, "sparsity": 0.5}}
    assert [fault.path for fault in check("count", both)] == ["$.cell"]
