"""The searching pruners on tiny nets and few images."""

import copy
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from nni.algorithms.compression.pytorch.pruning import SimulatedAnnealingPruner
from scipy.stats import ks_2samp
from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.compaction.speedup import silence_masked_channels
from filterbench.domain.targets import SPARSITY
from filterbench.jobs.workers import side_by_side
from filterbench.models.registry import build_model
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.nni import filters_as_rows, masked_by, wrapped_masks
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.pruners.search import sampling
from filterbench.pruners.search.allocation import Layers, WeightAllocation
from filterbench.pruners.search.annealing import SimulatedAnnealing, anneal, judged
from filterbench.pruners.search.extent import Extent, SearchSettings
from filterbench.pruners.search.net_adapt import NetAdapt, SearchPath, Snapshot
from filterbench.pruners.search.sampling import draw_sparsities
from filterbench.pruners.search.scores import summarise_scores
from filterbench.pruners.search.search import Search, candidate_form, compact_form, derived_seed, fingerprint
from filterbench.storage.journal import Journal
from filterbench.storage.stopwatch import Stopwatch
from filterbench.training.loop import TrainingSettings, train

VGG16_WEIGHTS = np.sort([1728, 36864, 73728, 147456, 294912, *[589824] * 2, 1179648, *[2359296] * 5])
FRESH = "FILTERBENCH_FRESH_PROCESS"
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
    "EagleEyePruner": {"evaluations": 6},
    "SensitivityPruner": {"rates": 2},
}
# One that searches a path, and one with candidates for each target.
QUICK = ("NetAdaptPruner", "SimulatedAnnealingPruner")


@pytest.fixture
def search(few_images, tmp_path) -> Search:
    return new_search(few_images, tmp_path)


def new_search(images, folder: Path, net: str = "compact") -> Search:
    return Search(images, SearchSettings(net, 8, augment=False), seed=0, folder=folder, key="key")


@pytest.fixture
def trained_net(net_trained_once) -> nn.Module:
    return copy.deepcopy(net_trained_once)


@pytest.fixture(scope="module")
def net_trained_once(few_images) -> nn.Module:
    model = chain(16, 16, 32, 32, 64, 64, pools=5)
    train(model, few_images, TrainingSettings(2, 8, 0.05, 0.9, 0.0, "one-cycle", augment=False), seed=0)
    return model.eval()


def pruned_by(name: str, changes: dict, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
    """A pruner's net at a sparsity; NetAdapt's is at the end of its search path."""
    pruner = PRUNERS[name].make(arguments_of(name, changes))
    if isinstance(pruner, NetAdapt):
        path = search_path(changes, model, search)
        path.snapshots([sparsity])
        return path.finish(sparsity)
    return pruner.prune(model, sparsity, search)


def search_path(changes: dict, model: nn.Module, search: Search) -> SearchPath:
    return NetAdapt(**arguments_of("NetAdaptPruner", changes)).path(model, search)


def snapshot_at(changes: dict, model: nn.Module, sparsity: float, search: Search) -> Snapshot:
    (snapshot,) = search_path(changes, model, search).snapshots([sparsity])
    return snapshot


def untimed(search: Search) -> list[dict]:
    return [{**step, "seconds": 0} for step in search.steps]


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots are equal to the last bit."""
    tensors = ("weights", "masks")
    plain = [field.name for field in fields(one) if field.name not in tensors]
    return all(getattr(one, name) == getattr(other, name) for name in plain) and all(
        torch.equal(tensor, getattr(other, name)[key])
        for name in tensors
        for key, tensor in getattr(one, name).items()
    )


def nnis_draw(target: float, random: np.random.RandomState) -> np.ndarray:
    """Sorted sparsities by rejection, as NNI's annealing begins."""
    while True:
        sparsities = np.sort(random.uniform(size=len(VGG16_WEIGHTS)))
        reached = (VGG16_WEIGHTS * sparsities).astype(int).sum() / VGG16_WEIGHTS.sum()
        sparsities = sparsities * target / reached
        if sparsities[-1] < 1:
            return sparsities


@pytest.mark.parametrize(
    ("target", "sweeps", "draws"),
    [(0.5, 50, 80), (0.8, 50, 80), pytest.param(0.8, sampling.SWEEPS, 400, marks=pytest.mark.slow)],
)
def test_sparsities_are_drawn_from_nnis_distribution(target, sweeps, draws, monkeypatch):
    """After a quarter of the sweeps already."""
    monkeypatch.setattr(sampling, "SWEEPS", sweeps)
    by_rejection = np.random.RandomState(0)
    expected = np.array([nnis_draw(target, by_rejection) for _ in range(1000)])
    found = np.array(
        [draw_sparsities(VGG16_WEIGHTS, target, np.random.RandomState(seed)) for seed in range(draws)]
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
    pruned = pruned_by(pruner, CHANGES[pruner], trained_net, 0.5, search)
    left = convolution_weights(pruned.model)
    assert 0.25 * weights_before < left < 0.7 * weights_before
    assert search.cost.evaluations == len(search.steps) > 3
    assert [step["step"] for step in search.steps] == list(range(1, len(search.steps) + 1))
    assert any(step["accepted"] for step in search.steps)


@pytest.mark.parametrize("pruner", ["SimulatedAnnealingPruner", "RandomAllocationPruner"])
def test_a_net_with_one_convolution_can_be_searched(pruner, search):
    pruned = pruned_by(pruner, CHANGES[pruner], chain(8), 0.5, search)
    assert pruned.masks["0"].sum() == 4
    assert search.cost.evaluations == len(search.steps) > 3


@pytest.mark.parametrize(
    "pruner",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CHANGES],
)
def test_a_search_prunes_a_depthwise_convolution_with_its_input(pruner, search):
    torch.manual_seed(0)
    model = build_model("mobilenetv2", 1 / 8, classes=2).eval()
    changes, sparsity = CHANGES[pruner], 0.5
    if pruner == "NetAdaptPruner":
        # No convolution has more than a few hundredths of all weights.
        changes, sparsity = changes | {"sparsity_per_iteration": 0.02}, 0.02
    if pruner == "AutoCompressPruner":
        changes = changes | {"cool_down_rate": 0.5, "admm_num_iterations": 1, "admm_epochs_per_iteration": 1}
    pruned = pruned_by(pruner, changes, model, sparsity, search)
    assert pruned.compact == PRUNERS[pruner].compact
    compact = pruned.model if pruned.compact else compact_form(pruned.model, pruned.masks)
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
def test_an_interrupted_search_ends_with_the_same_net(pruner, trained_net, few_images, tmp_path, monkeypatch):
    def prune(folder: str):
        search = new_search(few_images, tmp_path / folder)
        pruned = pruned_by(pruner, CHANGES[pruner], copy.deepcopy(trained_net), 0.5, search)
        return pruned.model.state_dict(), asdict(search.cost), untimed(search)

    expected = prune("undisturbed")
    done = []

    def evaluate_and_die(search, model):
        if len(done) == 4:
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


def test_candidates_that_are_judged_side_by_side_give_the_same_search_path(
    trained_net, few_images, tmp_path, request
):
    if FRESH not in os.environ:
        # A process of its own: torch refuses to fork one in which another test has exported a net.
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", request.node.nodeid]
        run = subprocess.run(
            command,
            cwd=request.config.rootpath,
            env=os.environ | {FRESH: "1"},
            capture_output=True,
            timeout=300,
        )
        assert run.returncode == 0, run.stdout
        return
    for net in ("compact", "masked"):
        alone, together = (
            new_search(few_images, tmp_path / net / name, net) for name in ("alone", "together")
        )
        together.side_by_side = partial(side_by_side, workers=3)
        expected, found = (
            search_path(FEW, trained_net, search).snapshots([0.2]) for search in (alone, together)
        )
        assert same(*expected, *found)
        assert untimed(together) == untimed(alone)


def test_a_snapshot_is_what_a_run_to_its_target_alone_gives(trained_net, few_images, tmp_path):
    together = new_search(few_images, tmp_path / "together")
    for snapshot in search_path(FEW, trained_net, together).snapshots([0.2, 0.3, 0.5]):
        alone = new_search(few_images, tmp_path / str(snapshot.target))
        assert same(snapshot_at(FEW, trained_net, snapshot.target, alone), snapshot)
        assert (asdict(alone.cost), len(alone.steps)) == (snapshot.cost, snapshot.candidates)


@pytest.mark.parametrize("kept", ["journal", pytest.param("nothing", marks=pytest.mark.slow)])
def test_a_search_path_goes_on_from_what_an_earlier_job_left(
    kept, trained_net, few_images, tmp_path, monkeypatch
):
    """To a harder target from the last snapshot, to one in between by the scores that are on record."""
    first = new_search(few_images, tmp_path / "path")
    earlier = search_path(FEW, trained_net, first).snapshots([0.2, 0.5])
    evaluated = count_calls(monkeypatch, Search, "evaluate")
    trained = count_calls(monkeypatch, Search, "train_steps")

    def again(targets: list[float]) -> tuple[list[Snapshot], Search]:
        search = new_search(few_images, tmp_path / ("path" if kept == "journal" else str(targets)))
        path = search_path(FEW, trained_net, search)
        return path.snapshots(targets, earlier, first.steps), search

    between, _ = again([0.2, 0.3, 0.5])
    evaluations = len(evaluated)
    harder, search = again([0.2, 0.5, 0.6])
    assert between[0] is earlier[0]
    assert between[2] is harder[1] is earlier[1]
    if kept == "journal":
        assert evaluations == 0
        # An iteration for each tenth that is new: one net is trained anew where the scores are known.
        assert len(evaluated) == search.cost.evaluations - earlier[1].cost["evaluations"]
        assert len(trained) == len(evaluated) + 1
    monkeypatch.undo()
    undisturbed = new_search(few_images, tmp_path / "undisturbed")
    whole = search_path(FEW, trained_net, undisturbed).snapshots([0.2, 0.3, 0.5, 0.6])
    assert same(between[1], whole[1])
    assert same(harder[2], whole[3])
    assert untimed(search) == untimed(undisturbed)


def count_calls(monkeypatch, owner: type, name: str) -> list:
    """A list that gets an entry at each call of a method."""
    method, calls = getattr(owner, name), []

    def counted(*arguments, **named):
        calls.append(name)
        return method(*arguments, **named)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_candidates_with_equal_masks_keep_their_own_scores(search, monkeypatch):
    """Those of two layers that have masks already, where a step is less than a filter."""

    def train(search, net, optimizer, steps, iteration, index):
        net.score = (index - iteration) % 3 / 3

    monkeypatch.setattr(Search, "train_steps", train)
    monkeypatch.setattr(Search, "evaluate", lambda search, net: net.score)
    changes = FEW | {"sparsity_per_iteration": 0.01}
    snapshot_at(changes, chain(4, 4, 4), 0.05, search)
    scores = [[step["score"] for step in search.steps if step["choice"] == choice] for choice in range(5)]
    assert scores == [[(index - iteration) % 3 / 3 for index in range(3)] for iteration in range(5)]


def test_a_target_that_no_layer_can_serve_is_infeasible(trained_net, search):
    changes = FEW | {"sparsity_per_iteration": 0.2}
    path = search_path(changes, trained_net, search)
    (snapshot,) = path.snapshots([0.9])
    assert 0.2 <= snapshot.reached < 0.9
    with pytest.raises(InfeasibleError, match=r"after [1-9] iterations, at sparsity 0\.\d+, no convolution"):
        path.finish(0.9)
    assert len(search.steps) == snapshot.candidates


def chain(*channels: int, pools: int = 0) -> nn.Module:
    """A net of convolutions one after another, with BatchNorm, the first of them with a pooling each."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(zip((3, *channels), channels, strict=False)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if number < pools else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 2)).eval()


@pytest.mark.parametrize(("step", "target", "iterations"), [(0.1, 0.3, 3), (0.05, 0.4, 8), (0.05, 0.45, 9)])
def test_a_search_path_ends_at_the_step_that_reaches_the_target(step, target, iterations, search):
    """Eight additions of 0.05 give less than 0.4."""
    changes = FEW | {"sparsity_per_iteration": step, "short_term_steps": 0}
    assert snapshot_at(changes, chain(32, 64), target, search).iterations == iterations


def test_the_least_cost_of_a_search_path_has_a_whole_number_of_steps():
    """0.07 / 0.01 is above 7 in floating point."""
    net_adapt = NetAdapt(**arguments_of("NetAdaptPruner", {"sparsity_per_iteration": 0.01}))
    assert net_adapt.least_cost(Extent(3, SPARSITY, [0.07], 16, 8, SearchSettings())).evaluations == 21


def test_half_the_step_goes_on_where_a_whole_one_is_too_much(trained_net, few_images, tmp_path):
    changes = FEW | {"sparsity_per_iteration": 0.2, "short_term_steps": 0}
    whole = snapshot_at(changes, trained_net, 0.9, new_search(few_images, tmp_path / "whole"))
    halved = snapshot_at(
        changes | {"halve_step": True}, trained_net, 0.9, new_search(few_images, tmp_path / "halved")
    )
    assert whole.reached < 0.9
    assert halved.reached >= 0.9


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "resnet50"])
def test_compact_and_masked_evaluation_agree_on_the_silenced_net(name, few_images, tmp_path):
    torch.manual_seed(0)
    model = build_model(name, 1 / 8, classes=2).eval()
    config = [{"sparsity": 0.5, "op_types": ["Conv2d"]}]
    masks = wrapped_masks(masked_by("l1", copy.deepcopy(model), config))
    silenced = copy.deepcopy(model)
    silence_masked_channels(silenced, masks)
    compact = new_search(few_images, tmp_path, "compact").judge(model, masks)
    whole = new_search(few_images, tmp_path, "masked").judge(silenced, masks)
    assert compact == whole
    apply_masks(model, masks)
    silence_masked_channels(model, masks)
    images = few_images.test.first(16)
    with torch.no_grad():
        difference = (compact_form(model, masks)(images) - model(images)).abs().max()
    assert difference < 1e-4


def test_annealing_can_judge_as_nni_does(trained_net, few_images, tmp_path):
    """A masked net without its wrappers has the score that NNI's evaluator gives to one in them."""
    masked = masked_by("l1", copy.deepcopy(trained_net), [{"sparsity": 0.3, "op_types": ["Conv2d"]}])
    search = new_search(few_images, tmp_path, net="masked")
    images = few_images.test.first(16)
    with torch.no_grad():
        found = candidate_form(trained_net, wrapped_masks(masked), "masked")[0](images)
        assert torch.equal(found, masked(images))
    assert search.judge(trained_net, wrapped_masks(masked)) == search.evaluate(masked)


@pytest.mark.parametrize(
    ("base_algo", "start", "stop"),
    # At NNI's temperatures nearly everything is accepted; where it is colder, much is not.
    [("l1", 100, 20), ("fpgm", 100, 20), ("l1", 0.5, 0.1)],
)
def test_annealing_goes_nnis_way_with_equal_draws(
    base_algo, start, stop, trained_net, search, tmp_path, monkeypatch
):
    settings = SimulatedAnnealing(base_algo, start, stop, 0.8, 0.35)

    def score(masks: ChannelMasks) -> float:
        """Any score of 0 to 1, the same for the same masks."""
        return int.from_bytes(hashlib.sha256(fingerprint(masks)).digest()[:4]) / 2**32

    met = []
    monkeypatch.setattr(Search, "judge", lambda search, model, masks: met.append(masks) or score(masks))
    _, best = anneal(trained_net, 0.6, settings, search)

    random = np.random.RandomState(derived_seed(search.seed, 0))
    own = np.random.RandomState(random.randint(2**31))
    drawn = WeightAllocation(Layers(trained_net, base_algo), 0.6).draw(own)

    class FromThere(SimulatedAnnealingPruner):
        def _init_sparsities(self):
            self._sparsities = drawn

    nnis = []

    def evaluator(masked: nn.Module) -> float:
        nnis.append(wrapped_masks(masked))
        return score(nnis[-1])

    # NNI draws from numpy's global generator.
    np.random.set_state(random.get_state())
    net = filters_as_rows(copy.deepcopy(trained_net))
    config = [{"sparsity": 0.6, "op_types": ["Conv2d"]}]
    folder = {"experiment_data_dir": str(tmp_path / "nni")}
    pruner = FromThere(net, config, evaluator, "maximize", base_algo, start, stop, 0.8, 0.35, **folder)
    chosen = wrapped_masks(pruner.compress())
    assert len(met) >= 8
    assert [fingerprint(masks) for masks in met] == [fingerprint(masks) for masks in nnis]
    assert fingerprint(best) == fingerprint(chosen)


def test_of_candidates_with_equal_scores_the_first_is_taken(trained_net, search, monkeypatch):
    met = []
    monkeypatch.setattr(Search, "judge", lambda search, model, masks: met.append(masks) or 0.5)
    _, best = anneal(trained_net, 0.5, SimulatedAnnealing("l1", 100, 20, 0.8, 0.35), search)
    assert fingerprint(best) == fingerprint(met[0]) != fingerprint(met[-1])


@pytest.mark.parametrize(("tune_steps", "times"), [(0, 1), (1, 2)])
def test_a_tuned_candidate_is_judged_each_time_that_the_search_comes_to_it(
    tune_steps, times, trained_net, few_images, tmp_path, monkeypatch
):
    judgements = count_calls(monkeypatch, Search, "judge")
    settings = SearchSettings("compact", 8, augment=False, tune_steps=tune_steps)
    search = Search(few_images, settings, 0, tmp_path, "key")
    layers, journal = Layers(trained_net, "l1"), search.journal("annealing-0", 2)
    for _ in range(2):
        judged(trained_net, layers, np.full(len(layers.names), 0.5), search, journal)
    assert len(judgements) == times


def test_a_journal_drops_the_line_that_was_being_written(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "key", 3, Stopwatch())
    for number in range(2):
        journal.score({}, b"%d" % number, lambda: 0.5)
    path.write_bytes(path.read_bytes() + b'{"candidate": "ab')
    evaluated = []
    again = Journal(path, "key", 3, Stopwatch())
    for number in range(3):
        again.score({}, b"%d" % number, lambda: evaluated.append(1) or 0.25)
    assert [step.score for step in again.steps] == [0.5, 0.5, 0.25]
    assert len(evaluated) == 1
    assert [step.score for step in Journal(path, "other key", 3, Stopwatch()).steps] == []


def _with_bit_flipped(content: bytes, line: int) -> bytes:
    """The content with another last digit in a line's digest or text."""
    lines = content.split(b"\n")
    changed = bytearray(lines[line])
    changed[-3] ^= 1
    return b"\n".join([*lines[:line], bytes(changed), *lines[line + 1 :]])


@pytest.mark.parametrize(
    ("damaged", "kept", "said"),
    [
        (lambda content: _with_bit_flipped(content, 2), 1, "line 3 is damaged.*resuming after step 1"),
        (lambda content: _with_bit_flipped(content, 0), 0, "line 1 is damaged.*starting again"),
        (lambda content: content.replace(b": 0.5,", b": 0.6,", 1), 0, "line 2 is damaged.*starting again"),
        (lambda content: content[:200] + bytes(64) + content[264:], 0, "line 2 is damaged"),
        (lambda content: bytes(len(content)) + b"\n", 0, "line 1 is damaged"),
        (lambda content: b"[]\n", 0, "line 1 is damaged"),
        (lambda content: b'{"key": "key"}\n', 0, "line 1 is damaged"),
        (lambda content: content + content.split(b"\n")[1] + b"\n", 3, "line 5 is damaged"),
        (
            lambda content: b"\n".join(np.array(content.split(b"\n"), dtype=object)[[0, 1, 3, 2, 4]]),
            1,
            "line 3 is damaged",
        ),
    ],
    ids=["a bit", "the key", "a score", "a block of zeros", "zeros", "a list", "no digest", "twice", "order"],
)
def test_a_damaged_journal_is_cut_at_the_damage(damaged, kept, said, tmp_path, caplog):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "key", 3, Stopwatch())
    for number in range(3):
        journal.score({}, b"%d" % number, lambda: 0.5)
    path.write_bytes(damaged(path.read_bytes()))
    again = Journal(path, "key", 3, Stopwatch())
    assert again.recorded == kept
    assert re.search(said, caplog.text)
    for number in range(3):
        again.score({}, b"%d" % number, lambda: 0.5)
    caplog.clear()
    assert Journal(path, "key", 3, Stopwatch()).recorded == 3
    assert "damaged" not in caplog.text


def test_the_test_images_play_no_part_in_a_search(trained_net, few_images, tmp_path):
    class Forbidden:
        def __getattr__(self, name):
            raise AssertionError("a search looked at the test images")

    images = copy.copy(few_images)
    object.__setattr__(images, "test", Forbidden())
    for pruner, changes in CHANGES.items():
        search = new_search(images, tmp_path / pruner)
        pruned_by(pruner, changes, copy.deepcopy(trained_net), 0.3, search)


@pytest.mark.parametrize("base_algo", ["l1", "l2", "fpgm"])
def test_a_search_path_ranks_only_the_filters_that_are_there(base_algo, trained_net, search):
    changes = FEW | {"base_algo": base_algo, "short_term_steps": 0}
    # Filters that are alike, so that of all of them a masked one is farthest from the median.
    with torch.no_grad():
        for module in trained_net.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.mul_(0.01).add_(1)
    before, after = search_path(changes, trained_net, search).snapshots([0.2, 0.4])
    for name, kept in after.masks.items():
        assert (kept <= before.masks.get(name, torch.ones_like(kept))).all()
        norms = after.weights[f"{name}.weight"].flatten(1).norm(dim=1)
        assert (norms[kept] > 0).all()
        assert (norms[~kept] == 0).all()


def test_a_masked_filter_that_a_sum_keeps_stays_masked_in_a_search_path(few_images, tmp_path):
    torch.manual_seed(0)
    model = build_model("resnet18", 1 / 8, classes=2).eval()
    search = new_search(few_images, tmp_path)
    snapshot = snapshot_at(FEW | {"sparsity_per_iteration": 0.02}, model, 0.04, search)
    assert len(snapshot.masks) > 1
    for name, kept in snapshot.masks.items():
        assert (snapshot.weights[f"{name}.weight"][~kept] == 0).all()


@pytest.mark.parametrize("form", ["compact", "masked"])
def test_a_masked_filter_that_a_sum_keeps_stays_masked_while_a_candidate_is_tuned(
    form, few_images, tmp_path, monkeypatch
):
    torch.manual_seed(0)
    model = build_model("resnet18", 1 / 8, classes=2).eval()
    masks = {"stem.0.0": torch.arange(8) < 4}
    judged_nets = []
    monkeypatch.setattr(Search, "evaluate", lambda search, net: judged_nets.append(net) or 0.5)
    settings = SearchSettings(form, 8, augment=False, tune_steps=3, tune_learning_rate=0.1)
    Search(few_images, settings, 0, tmp_path, "key").judge(model, masks)
    (net,) = judged_nets
    weights, before = (each.stem[0][0].weight for each in (net, model))
    assert len(weights) == 8
    assert not weights[4:].any()
    assert not torch.equal(weights[:4], before[:4])


def test_a_journal_that_goes_another_way_is_cut_there(tmp_path):
    """As after a requeue to another machine, whose last bits differ."""
    path = tmp_path / "journal.jsonl"
    first = Journal(path, "key", 3, Stopwatch())
    for number in range(3):
        first.score({}, b"%d" % number, lambda: 0.5)
    again = Journal(path, "key", 3, Stopwatch())
    for candidate in (b"0", b"other", b"2"):
        again.score({}, candidate, lambda: 0.25)
    assert [step.score for step in again.steps] == [0.5, 0.25, 0.25]
    third = Journal(path, "key", 3, Stopwatch())
    for candidate in (b"0", b"other", b"2"):
        third.score({}, candidate, lambda: 0.0)
    assert [step.score for step in third.steps] == [0.5, 0.25, 0.25]


def test_a_journal_of_another_search_is_begun_anew(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path, "key", 1, Stopwatch()).score({}, b"0", lambda: 0.5)
    other = Journal(path, "other", 1, Stopwatch())
    assert other.recorded == 0
    assert other.score({}, b"0", lambda: 0.25) == 0.25


def test_a_search_costs_what_it_trains(few_images, tmp_path):
    """No step costs nothing, and a batch has at most all images."""
    search = new_search(few_images, tmp_path)
    search.count_training(0)
    assert search.cost.images_trained == 0
    search.count_training(None)
    assert search.cost.images_trained == 40
    larger = Search(few_images, SearchSettings("compact", 64, augment=False), 0, tmp_path, "key")
    larger.count_training(3)
    assert larger.cost.images_trained == 3 * 40


def test_a_recalibrated_or_tuned_candidate_sees_more(trained_net, few_images, tmp_path):
    def best(**settings):
        folder = tmp_path / repr(settings)
        asked = SearchSettings("compact", 8, augment=False, **settings)
        search = Search(few_images, asked, 0, folder, "key")
        pruned_by(
            "SimulatedAnnealingPruner", {"cool_down_rate": 0.5}, copy.deepcopy(trained_net), 0.7, search
        )
        return max(step["score"] for step in search.steps), search.cost

    plain, cost = best()
    recalibrated, more = best(recalibrate=32)
    tuned, trained = best(tune_steps=5)
    assert max(recalibrated, tuned) > plain
    assert more.images_evaluated == cost.images_evaluated + 32 * more.evaluations
    assert trained.images_trained == 5 * 8 * trained.evaluations
    # A candidate is judged in a copy: the pruner's masks and weights are as without.
    assert best(recalibrate=32)[0] == recalibrated


def test_a_choice_at_chance_is_blind():
    def steps(*choices):
        return [{"choice": number, "score": score} for number, found in enumerate(choices) for score in found]

    found = summarise_scores(steps([0.1, 0.09], [0.1, 0.5]), chance=0.1, images=1000)
    assert found == {"best": 0.5, "lowest": 0.09, "chance": 0.1, "choices": 2, "blind_choices": 1}
    # Of 16 candidates at chance the best is above it by luck: 0.125 of 1,000 images is no sign, 0.14 is one.
    assert summarise_scores(steps([0.125] + 15 * [0.1]), 0.1, 1000)["blind_choices"] == 1
    assert summarise_scores(steps([0.14] + 15 * [0.1]), 0.1, 1000)["blind_choices"] == 0


def test_a_search_trains_in_the_precision_that_is_asked_for(trained_net, few_images, tmp_path):
    def trained(precision: str) -> list[torch.Tensor]:
        settings = SearchSettings(batch_size=8, precision=precision)
        net = copy.deepcopy(trained_net)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        Search(few_images, settings, seed=0, folder=tmp_path, key="key").train_steps(net, optimizer, 2)
        return list(net.parameters())

    as_by_default, whole, halved = map(trained, ("auto", "float32", "bfloat16"))
    assert all(map(torch.equal, as_by_default, whole))
    assert not any(map(torch.equal, halved, whole))
    assert all(weight.dtype == torch.float32 for weight in halved)
    assert all(map(torch.equal, halved, trained("bfloat16")))
