"""The searching pruners on tiny nets and few images."""

import copy
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn

from filterbench.compaction import silence_masked_channels
from filterbench.models import build_model
from filterbench.nni_adaptor import apply_masks, masked_by, wrapped_masks
from filterbench.pruners import PRUNERS, arguments_of
from filterbench.pruners.annealing import anneal
from filterbench.pruners.journal import Journal
from filterbench.pruners.net_adapt import NetAdapt, Trajectory
from filterbench.pruners.searching import InfeasibleError, Search, SearchSettings, compact_form
from filterbench.pruners.sparsity_sampling import draw_sparsities
from filterbench.training.loop import TrainingSettings, train

VGG16_WEIGHTS = np.sort([1728, 36864, 73728, 147456, 294912, *[589824] * 2, 1179648, *[2359296] * 5])
FEW = {"sparsity_per_iteration": 0.1, "short_term_steps": 2, "short_term_learning_rate": 0.01}
CHANGES = {
    "NetAdaptPruner": FEW,
    "SimulatedAnnealingPruner": {"cool_down_rate": 0.7},
    "AutoCompressPruner": {
        "num_iterations": 2,
        "cool_down_rate": 0.7,
        "admm_num_iterations": 2,
        "admm_epochs_per_iteration": 2,
    },
    "RandomAllocationPruner": {"base_algo": "l1", "evaluations": 6},
}


@pytest.fixture
def search(few_images, tmp_path) -> Search:
    return new_search(few_images, tmp_path)


def new_search(images, folder: Path, net: str = "compact") -> Search:
    return Search(images, SearchSettings(net, 8, augment=False), seed=0, folder=folder, key="key")


@pytest.fixture
def trained_net(few_images) -> nn.Module:
    torch.manual_seed(0)
    model = build_model("vgg16", 1 / 8, classes=2)
    train(model, few_images, TrainingSettings(2, 8, 0.05, 0.9, 0.0, "one-cycle", augment=False), seed=0)
    return model.eval()


def nnis_draw(target: float, random: np.random.RandomState) -> np.ndarray:
    """Sorted sparsities by rejection, as NNI's annealing begins."""
    while True:
        sparsities = np.sort(random.uniform(size=len(VGG16_WEIGHTS)))
        reached = (VGG16_WEIGHTS * sparsities).astype(int).sum() / VGG16_WEIGHTS.sum()
        sparsities = sparsities * target / reached
        if sparsities[-1] < 1:
            return sparsities


@pytest.mark.parametrize("target", [0.5, 0.8])
def test_sparsities_are_drawn_from_nnis_distribution(target):
    by_rejection = np.random.RandomState(0)
    expected = np.array([nnis_draw(target, by_rejection) for _ in range(400)])
    found = np.array(
        [draw_sparsities(VGG16_WEIGHTS, target, np.random.RandomState(seed)) for seed in range(400)]
    )
    for layer in range(len(VGG16_WEIGHTS)):
        assert ks_2samp(expected[:, layer], found[:, layer]).pvalue > 0.001


@pytest.mark.parametrize("target", [0.1, 0.975, 0.999])
@pytest.mark.parametrize("layers", [13, 20, 53])
def test_any_target_is_drawn_at_once(layers, target):
    weights = np.geomspace(1_000, 2_400_000, layers)
    sparsities = draw_sparsities(weights, target, np.random.RandomState(0))
    assert np.average(sparsities, weights=weights) == pytest.approx(target)
    assert (np.diff(sparsities) >= 0).all()
    assert 0 <= sparsities[0] <= sparsities[-1] < 1


@pytest.mark.parametrize("pruner", CHANGES)
def test_a_searching_pruner_reaches_about_the_sparsity_it_is_asked_for(pruner, trained_net, search):
    weights_before = convolution_weights(trained_net)
    pruned = PRUNERS[pruner].make(arguments_of(pruner, CHANGES[pruner])).prune(trained_net, 0.5, search)
    left = convolution_weights(pruned.model)
    assert 0.25 * weights_before < left < 0.7 * weights_before
    assert search.cost.evaluations == len(search.steps) > 3
    assert [step["step"] for step in search.steps] == list(range(1, len(search.steps) + 1))
    assert any(step["accepted"] for step in search.steps)


@pytest.mark.parametrize("pruner", CHANGES)
def test_a_search_prunes_a_depthwise_convolution_with_its_input(pruner, search):
    torch.manual_seed(0)
    model = build_model("mobilenetv2", 1 / 8, classes=2).eval()
    changes, sparsity = CHANGES[pruner], 0.5
    if pruner == "NetAdaptPruner":
        # No convolution has more than a few hundredths of all weights.
        changes, sparsity = changes | {"sparsity_per_iteration": 0.02}, 0.02
    if pruner == "AutoCompressPruner":
        changes = changes | {"cool_down_rate": 0.5, "admm_num_iterations": 1, "admm_epochs_per_iteration": 1}
    pruned = PRUNERS[pruner].make(arguments_of(pruner, changes)).prune(model, sparsity, search)
    compact = compact_form(pruned.model, pruned.masks) if pruned.masks else pruned.model
    before = build_model("mobilenetv2", 1 / 8, classes=2)
    assert convolution_weights(compact) < convolution_weights(before)
    for block in compact.blocks[1:]:
        widened, depthwise = block.branch[0][0], block.branch[2][0]
        assert widened.out_channels == depthwise.out_channels == depthwise.groups


def convolution_weights(model: nn.Module) -> int:
    return sum(int(m.weight.count_nonzero()) for m in model.modules() if isinstance(m, nn.Conv2d))


class KilledError(Exception):
    """Stands for a process that ends in the middle of a search."""


@pytest.mark.parametrize("pruner", CHANGES)
@pytest.mark.parametrize("evaluations", [1, 3, 4])
def test_an_interrupted_search_ends_with_the_same_net(
    pruner, evaluations, trained_net, few_images, tmp_path, monkeypatch
):
    def prune(folder: str):
        search = new_search(few_images, tmp_path / folder)
        made = PRUNERS[pruner].make(arguments_of(pruner, CHANGES[pruner]))
        pruned = made.prune(copy.deepcopy(trained_net), 0.5, search)
        steps = [{**step, "seconds": 0} for step in search.steps]
        return pruned.model.state_dict(), asdict(search.cost), steps

    expected = prune("undisturbed")
    done = []

    def evaluate_and_die(search, model):
        if len(done) == evaluations:
            raise KilledError
        done.append(model)
        return evaluate(search, model)

    evaluate = Search.evaluate
    monkeypatch.setattr(Search, "evaluate", evaluate_and_die)
    with pytest.raises(KilledError):
        prune("interrupted")
    monkeypatch.setattr(Search, "evaluate", evaluate)
    weights, *rest = prune("interrupted")
    assert rest == list(expected[1:])
    assert all(torch.equal(tensor, weights[name]) for name, tensor in expected[0].items())


def test_a_snapshot_is_what_a_run_to_its_target_alone_gives(trained_net, few_images, tmp_path):
    arguments = arguments_of("NetAdaptPruner", FEW)
    together = new_search(few_images, tmp_path / "together")
    snapshots = list(Trajectory(trained_net, arguments, together).run([0.2, 0.3, 0.5]))
    for snapshot in snapshots:
        alone = new_search(few_images, tmp_path / str(snapshot.target))
        pruned = NetAdapt(arguments).prune(copy.deepcopy(trained_net), snapshot.target, alone)
        assert all(
            torch.equal(tensor, snapshot.weights[name]) for name, tensor in pruned.model.state_dict().items()
        )
        assert {name: kept.tolist() for name, kept in pruned.masks.items()} == {
            name: kept.tolist() for name, kept in snapshot.masks.items()
        }
        assert (asdict(alone.cost), len(alone.steps)) == (snapshot.cost, snapshot.steps)


def test_a_target_that_no_layer_can_serve_is_infeasible(trained_net, search):
    with pytest.raises(InfeasibleError, match=r"after [1-9] iterations, at sparsity 0\.\d+, no convolution"):
        arguments = arguments_of("NetAdaptPruner", FEW | {"sparsity_per_iteration": 0.2})
        NetAdapt(arguments).prune(trained_net, 0.9, search)


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "resnet50"])
def test_compact_and_masked_evaluation_agree_on_the_silenced_net(name, few_images, tmp_path):
    torch.manual_seed(0)
    model = build_model(name, 1 / 8, classes=2).eval()
    config = [{"sparsity": 0.5, "op_types": ["Conv2d"]}]
    masks = wrapped_masks(masked_by("l1", copy.deepcopy(model), config))
    silenced = copy.deepcopy(model)
    silence_masked_channels(silenced, masks)
    masked = masked_by("l1", silenced, config)
    compact = new_search(few_images, tmp_path, "compact").evaluate_masked(model, masks, masked)
    whole = new_search(few_images, tmp_path, "masked").evaluate_masked(model, masks, masked)
    assert compact == whole
    apply_masks(model, masks)
    silence_masked_channels(model, masks)
    images = few_images.test.first(16)
    with torch.no_grad():
        difference = (compact_form(model, masks)(images) - model(images)).abs().max()
    assert difference < 1e-4


def test_annealing_can_judge_as_nni_does(trained_net, few_images, tmp_path):
    search = new_search(few_images, tmp_path, net="masked")
    arguments = arguments_of("SimulatedAnnealingPruner", {"cool_down_rate": 0.5})
    anneal(trained_net, 0.5, arguments, search)
    assert len(search.steps) >= 3


def test_a_journal_drops_the_line_that_was_being_written(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "key", 3)
    for number in range(2):
        journal.score({}, b"%d" % number, lambda: 0.5)
    path.write_bytes(path.read_bytes() + b'{"question": "ab')
    evaluated = []
    again = Journal(path, "key", 3)
    for number in range(3):
        again.score({}, b"%d" % number, lambda: evaluated.append(1) or 0.25)
    assert [step.score for step in again.steps] == [0.5, 0.5, 0.25]
    assert len(evaluated) == 1
    assert [step.score for step in Journal(path, "other key", 3).steps] == []


def test_the_test_images_play_no_part_in_a_search(trained_net, few_images, tmp_path):
    class Forbidden:
        def __getattr__(self, name):
            raise AssertionError("a search looked at the test images")

    images = copy.copy(few_images)
    object.__setattr__(images, "test", Forbidden())
    for pruner, changes in CHANGES.items():
        search = new_search(images, tmp_path / pruner)
        PRUNERS[pruner].make(arguments_of(pruner, changes)).prune(copy.deepcopy(trained_net), 0.3, search)
