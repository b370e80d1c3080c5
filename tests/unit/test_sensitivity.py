"""The sensitivity of groups of convolutions, and what is allocated by it."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from test_pruning import lively_net
from test_searching import new_search
from test_stages import BASELINE, LIMITS
from torch import nn

from filterbench.costs.budget import Budget
from filterbench.costs.layer_costs import FlopsCost
from filterbench.data.loading import load_splits
from filterbench.documents import check, read
from filterbench.integrity.nets import wrong_groups
from filterbench.integrity.settings import other_settings
from filterbench.jobs.job import Job
from filterbench.models.registry import build_model
from filterbench.orchestration.plan import Plan
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.pruners.search.equal_loss import EqualLoss
from filterbench.pruners.search.sensitivity import FilterGroups, Sensitivity, analyse
from filterbench.stages.plot_sensitivity import plot_sensitivity
from filterbench.stages.sensitivity import sensitivity
from filterbench.storage.errors import InputError
from filterbench.storage.weights import write_weights
from filterbench.study.config import check_config
from filterbench.training.evaluation import evaluate

FILTERS = 4


class OneMatters(nn.Module):
    """Tells bright images from dark ones by its first layer; the branch beside it adds nothing.

    Without one of its four filters it takes all images for dark.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, FILTERS, 1, bias=False)
        self.inner = nn.Conv2d(FILTERS, FILTERS, 3, padding=1, bias=False)
        self.last = nn.Conv2d(FILTERS, FILTERS, 1, bias=False)
        self.relu = nn.ReLU()
        self.linear = nn.Linear(FILTERS, 2)
        with torch.no_grad():
            # Filters of one norm would go together.
            norms = torch.linspace(0.99, 1.01, FILTERS) / 3
            self.first.weight.copy_(norms.view(-1, 1, 1, 1).expand_as(self.first.weight))
            self.last.weight.zero_()
            self.linear.weight.copy_(torch.tensor([[0.0], [1.0]]).expand(-1, FILTERS))
            self.linear.bias.zero_()

    def forward(self, x):
        x = self.relu(self.first(x))
        x = x + self.last(self.relu(self.inner(x)))
        return self.linear(x.mean((2, 3)))


@pytest.fixture
def search(few_images, tmp_path):
    return new_search(few_images, tmp_path)


@pytest.fixture
def one_matters(few_images):
    model = OneMatters().eval()
    images = few_images.selection
    with torch.no_grad():
        bright = model(images.first(len(images)))[images.labels == 1, 1]
        model.linear.bias[0] = bright.mean() * 3.5 / FILTERS
    return model


def by_sensitivity(**changes):
    return PRUNERS["SensitivityPruner"].make(arguments_of("SensitivityPruner", changes))


def test_only_the_layer_that_matters_is_sensitive(one_matters, search):
    groups = FilterGroups(one_matters)
    assert groups.layers == [["first", "last"], ["inner"]]
    journal = search.journal("sensitivity", 7)
    found = analyse(one_matters, groups, [0.1, 0.25, 0.5, 0.75], search, journal)
    assert found.original == 1.0
    assert found.removed.tolist() == [[0, 1, 2, 3]] * 2
    assert found.accuracies.tolist() == [[1.0, 0.5, 0.5, 0.5], [1.0] * 4]
    # The unpruned net once, and each other net once.
    assert search.cost.evaluations == len(journal.steps) == 1 + 2 * 3
    assert search.cost.images_evaluated == 7 * len(search.splits.selection)
    assert search.cost.images_trained == 0


def test_the_layer_that_matters_is_spared(one_matters, search):
    before = copy.deepcopy(one_matters)
    masks = by_sensitivity().prune(one_matters, 0.5, search).masks
    assert list(masks) == ["inner"]
    # 144 of the 172 weights are the inner layer's.
    assert int((~masks["inner"]).sum()) == int(0.5 * 172 / 144 * FILTERS)
    assert evaluate(one_matters, search.splits.selection).accuracy == 1.0
    # The allocated net is judged last.
    assert [step["accepted"] for step in search.steps] == [False] * (len(search.steps) - 1) + [True]
    assert search.steps[-1]["score"] == 1.0
    assert search.steps[-1]["sparsities"] == {"inner": 0.5}
    # There is nothing else left to prune.
    masks = by_sensitivity().prune(before, 0.95, search).masks
    assert int(masks["inner"].sum()) < int(masks["first"].sum())
    assert torch.equal(masks["first"], masks["last"])


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "mobilenetv2", "resnet20_padded"])
def test_groups_are_all_convolutions_and_lose_the_same_filters(name, search):
    model = build_model(name, 1 / 4, classes=2).eval()
    groups = FilterGroups(model)
    counts = groups.removed(np.full(len(groups.layers), 0.5))
    masks = groups.masks(counts.tolist())
    convolutions = {name for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)}
    assert masks.keys() == convolutions
    for names, count in zip(groups.layers, counts, strict=True):
        assert all(torch.equal(masks[names[0]], masks[name]) for name in names)
        assert int((~masks[names[0]]).sum()) == count == len(masks[names[0]]) // 2
    if name == "resnet18":
        assert ["stem.0.0", "blocks.0.branch.2.0", "blocks.1.branch.2.0"] in groups.layers


def equal_loss(accuracies, removed=((1, 2), (1, 2)), original=0.9, chance=0.1, image=0.01):
    groups = FilterGroups(OneMatters())
    return EqualLoss(groups, Sensitivity(original, np.array(removed), np.array(accuracies)), chance, image)


def test_a_loss_is_interpolated_and_never_falls_with_the_rate():
    # Accuracy rises at the second rate of the second group: noise.
    curves = equal_loss([[0.8, 0.5], [0.6, 0.7]])
    assert curves.rates(0.0).tolist() == [0, 0]
    # A loss of 0.1 and of 0.3, and a share of one image by rate.
    assert curves.rates(0.1 + 0.01 * 0.25)[0] == pytest.approx(0.25)
    assert curves.rates(0.3 + 0.01 * 0.25)[1] == pytest.approx(0.25)
    assert curves.rates(0.3 + 0.01 * 0.5)[1] == pytest.approx(0.5)
    # Halfway between 0.1 at 0.25 and 0.4 at 0.5.
    assert curves.rates(0.25 + 0.01 * 0.375)[0] == pytest.approx(0.375)
    # Chance at the end, where one filter stays.
    assert curves.rates(0.8 + 0.01)[0] == pytest.approx(1, abs=1e-5)
    assert int(FILTERS * curves.rates(1.0)[0]) == FILTERS - 1


def test_groups_that_lose_nothing_are_pruned_alike():
    before, rates = equal_loss([[0.9, 0.9], [0.9, 0.9]]).around(lambda rates: rates.mean() >= 0.4)
    assert rates == pytest.approx([0.4, 0.4])
    assert before == pytest.approx(rates) and (before < rates).all()


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_budget_is_met_and_used(share, search):
    model = lively_net("resnet18")
    budget = Budget(share, FlopsCost(model))
    masks = by_sensitivity(rates=2).prune_within(model, budget, search).masks
    assert 0.98 * share < budget.reached(masks) <= share


def test_a_budget_below_one_filter_per_layer_is_infeasible(search):
    model = lively_net("vgg16")
    with pytest.raises(InfeasibleError, match="one filter in each convolution"):
        by_sensitivity(rates=1).prune_within(model, Budget(1e-5, FlopsCost(model)), search)


RATES = [0.25, 0.5, 0.75]


def judging(file):
    return load_splits(file, "validation", LIMITS, torch.device("cpu")).selection


def undecided_net(file, model, width):
    """A net with random weights whose answers differ from image to image."""
    net = lively_net(model, width)
    *_, last = (layer for layer in net.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        last.bias -= net(judging(file).first(LIMITS["validation"])).mean(0)
    return net


def made_sensitivity(file, folder, model, width, **changes):
    """The sensitivity of a net with random weights, in a folder with these."""
    cell = {**BASELINE, "model": model, "width": width}
    folder.mkdir(parents=True)
    write_weights(folder / "model.safetensors", undecided_net(file, model, width).state_dict())
    settings = {"base_algo": "l1", "rates": RATES, **changes}
    params = {"cell": cell, "limits": LIMITS, "device": "cpu", "sensitivity": settings}
    path = folder / "sensitivity.json"
    sensitivity(Job({"images": file, "weights": folder / "model.safetensors"}, {"document": path}, params))
    return read(path)


def cut(model, layers, count):
    """Silence the filters of smallest L1 norm, summed over layers, and their BatchNorm; by hand."""
    with torch.no_grad():
        norms = sum(model.get_submodule(name).weight.abs().sum((1, 2, 3)) for name in layers)
        lowest = norms.argsort()[:count]
        for name in layers:
            head, _, last = name.rpartition(".")
            norm = model.get_submodule(f"{head}.{int(last) + 1}")
            for tensor in (model.get_submodule(name).weight, norm.weight, norm.bias):
                tensor[lowest] = 0


@pytest.mark.parametrize(
    ("model", "width", "layers"),
    [
        ("vgg16", 1 / 16, ["features.3"]),
        ("resnet18", 1 / 8, ["stem.0.0", "blocks.0.branch.2.0", "blocks.1.branch.2.0"]),
    ],
)
def test_a_documents_number_is_that_of_a_cut_by_hand(model, width, layers, digits_file, tmp_path):
    document = made_sensitivity(digits_file, tmp_path / "baseline", model, width, images=60)
    images = judging(digits_file)
    pixels, labels = images.first(60), images.labels[:60]
    (group,) = (each for each in document["groups"] if each["layers"] == layers)
    found = [document["original"], *(point["accuracy"] for point in group["points"])]
    expected = []
    for count in (0, *(int(group["channels"] * rate) for rate in RATES)):
        net = undecided_net(digits_file, model, width)
        cut(net, layers, count)
        with torch.no_grad():
            expected.append(int((net(pixels).argmax(1) == labels).sum()) / 60)
    assert found == expected
    assert len(set(found)) > 1
    assert document["judged"] == 60
    assert not list((tmp_path / "baseline").glob(".*"))


def test_the_table_and_the_figure_have_every_group(digits_file, tmp_path):
    document = made_sensitivity(digits_file, tmp_path / "baseline", "vgg16", 1 / 16)
    outputs = {kind: tmp_path / f"sensitivity.{kind}" for kind in ("png", "svg", "pdf")}
    outputs["table"] = tmp_path / "sensitivity.csv"
    params = {"model": "vgg16", "study": "stages", "dataset": "digits", "titled": True}
    plot_sensitivity(Job({}, outputs, params | {"sensitivities": [tmp_path / "baseline/sensitivity.json"]}))
    table = pd.read_csv(outputs["table"])
    assert len(table) == 13 * len(RATES)
    row = table[(table["layers"] == "features.3") & (table["rate"] == 0.5)].iloc[0]
    point = document["groups"][1]["points"][1]
    assert (row["removed"], row["accuracy"]) == (point["removed"], point["accuracy"])
    assert row["loss"] == document["original"] - point["accuracy"]
    drawn = outputs["svg"].read_text()
    for text in ("features.3", "share of the group's filters removed", "seed 0; 100 images that choose"):
        assert text in drawn


def test_a_falsified_sensitivity_is_found(digits_file, tmp_path, default_config):
    folder = tmp_path / "results/default/vgg16/seed-0/baseline"
    document = made_sensitivity(digits_file, folder, "vgg16", 1 / 16)
    asked = Plan(default_config | {"sensitivity": {"rates": RATES[::-1]}})

    def reasons(changed, plan=asked):
        of_itself = [fault.path for fault in check("sensitivity", changed)]
        documents = {"sensitivity": changed}
        others = [*wrong_groups(folder, documents), *other_settings(plan, folder, documents)]
        return [*of_itself, *(finding.path for finding in others)]

    def changed(**values):
        return copy.deepcopy(document) | values

    assert reasons(document) == []
    assert reasons(document, Plan(default_config)) == ["$.settings.rates"]
    assert reasons(changed(judged=99))[0] == "$.judged"
    assert reasons(changed(original=0.123)) == ["$.original"]
    fewer = changed()
    fewer["groups"].pop()
    assert reasons(fewer) == ["$.groups"]
    other = changed()
    other["groups"][0]["layers"] = ["features.7"]
    assert reasons(other) == ["$.groups"]
    for key, value in (("removed", 1), ("accuracy", 0.005), ("rate", 0.6)):
        other = changed()
        other["groups"][1]["points"][1][key] = value
        assert reasons(other)[0].startswith("$.groups[1].points")
    alike = changed(original=0.5)
    alike["groups"][1] |= {"channels": 3}
    alike["groups"][1]["points"][0] |= {"removed": 0, "accuracy": 0.25}
    assert "$.groups[1].points[0].accuracy" in reasons(alike)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rates": [0.5, 1.0]}, r"sensitivity\.rates\[1\]: 1\.0 is greater than or equal to"),
        ({"rates": [0.5, 0.5]}, r"sensitivity\.rates: .* duplicate value"),
        ({"base_algo": "l3"}, r"sensitivity\.base_algo: 'l3' is not one of \['l1', 'l2', 'fpgm'\]"),
        ({"images": 0}, r"sensitivity\.images: 0 is less than the minimum of 1"),
        ({"steps": 3}, r"sensitivity: unknown key 'steps'; allowed: base_algo, rates, images"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said, default_config):
    with pytest.raises(InputError, match=said):
        check_config(default_config | {"sensitivity": settings}, "mine.yaml")
