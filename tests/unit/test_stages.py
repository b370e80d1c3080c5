"""Every stage of a cell in one process, on the CPU and, where there is one, on a GPU."""

import atexit
import csv
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import settings
import torch
from torch import nn

from filterbench.compaction.exporting import OnnxNet
from filterbench.data.file import read_images, write_images
from filterbench.data.loading import load_splits
from filterbench.documents import read, write
from filterbench.domain.targets import Target
from filterbench.jobs.job import Job
from filterbench.pruners.registry import PRUNERS, arguments_of
from filterbench.stages.compare import compare
from filterbench.stages.compare_latency import compare_latency
from filterbench.stages.count import count
from filterbench.stages.export import export
from filterbench.stages.finetune import finetune
from filterbench.stages.latency import latency
from filterbench.stages.latency_table import latency_table
from filterbench.stages.prune import prune
from filterbench.stages.result import result
from filterbench.stages.scratch import scratch
from filterbench.stages.speedup import speedup
from filterbench.stages.train_baseline import train_baseline
from filterbench.stages.trajectory import trajectory
from filterbench.storage.correctness import read_correct
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest
from filterbench.storage.weights import read_weights
from filterbench.study.cells import trains_between_rounds
from filterbench.training.evaluation import evaluate

BASELINE = {
    "study": "stages",
    "dataset": "digits",
    "protocol": "validation",
    "seed": 0,
}
TRAINING = settings.TRAINING | {"epochs": 2}
LIMITS = {"train": 256, "validation": 100, "test": 100}
ROUNDS = "GroupFPGMPruner"
CHANGES: dict[str, dict] = {
    "GivenLayersPruner": {"layers": {"*": 0.5}},
    "EagleEyePruner": {"evaluations": 3},
    "SensitivityPruner": {"rates": 2},
    # Compact from `prune` on.
    ROUNDS: {"rounds": 2},
    **{name: {"images": 8} for name in ("CHIPPruner", "HRankPruner", "HessianPruner", "OBDCPruner")},
    "NetAdaptPruner": {"sparsity_per_iteration": 0.25, "short_term_steps": 2},
    "SimulatedAnnealingPruner": {"stop_temperature": 70},
    "AutoCompressPruner": {
        "num_iterations": 2,
        "stop_temperature": 70,
        "admm_num_iterations": 2,
        "admm_epochs_per_iteration": 1,
    },
}
# Whether speedup removes every masked filter of a net with summed branches.
ALL_REMOVED = {"L1FilterPruner": False, **{name: True for name in settings.GROUP_PRUNERS if name != ROUNDS}}
KINDS = ("baseline", "prune", "speedup", "finetune", "count", "result")
HALF = Target("sparsity", 0.5)
# One name of each class: others have its code.
ONE_OF_A_CLASS = list({entry.pruner: name for name, entry in reversed(PRUNERS.items())}.values())
NARROW = {"model": "vgg16", "width": 0.0625}
QUICK = {"batch": 8, "runs": 5, "warm_up": 1, "threads": 1, "budget_runtime": "torch"}


def time_by_size(table: Path) -> None:
    """Put sizes in the place of times: whether a target is within reach must not depend on the machine."""
    document = read(table)
    for layer in document["layers"]:
        layer["milliseconds"] = [[i * o / 1000 for o in layer["outputs"]] for i in layer["inputs"]]
    write(table, document)


def run_cell(
    device: str,
    pruner: str,
    images: Path,
    folder: Path,
    model: str = "resnet18",
    width: float = 0.125,
    protocol: str = "validation",
    target: Target = HALF,
    round_channels: int = 1,
) -> dict[str, dict]:
    """All stages of one cell; its documents by kind."""
    folder.mkdir(exist_ok=True)
    baseline = {**BASELINE, "model": model, "width": width, "protocol": protocol}

    def job(stage, inputs: dict, **params) -> None:
        inputs = {name: folder / path if isinstance(path, str) else path for name, path in inputs.items()}
        kind = stage.__name__
        outputs = {
            "document": folder / f"{kind}.json",
            "weights": folder / f"{kind}.safetensors",
            "search": folder / f"{kind}.csv",
        }
        if stage is finetune:
            outputs["correct"] = folder / "finetune.correct"
        if stage in (count, result, latency_table):
            del outputs["weights"]
        stage(Job(inputs, outputs, {"limits": LIMITS, "device": device, **params}))

    cell = {**baseline, "pruner": pruner, **target.document()}
    entry = PRUNERS[pruner]
    arguments = arguments_of(pruner, CHANGES.get(pruner, {}))
    trains = entry.searches or trains_between_rounds(arguments)
    searching = {"net": "compact", "batch_size": 64, "augment": True} if trains else {}
    start = {"images": images, "weights": "baseline.safetensors"}
    made = trained_baseline(device, images, tuple(baseline.items()))
    for suffix in ("json", "safetensors"):
        shutil.copy(made / f"baseline.{suffix}", folder)
    if target.kind == "latency":
        job(latency_table, {"images": images}, cell=baseline, measurement=QUICK)
        time_by_size(folder / "latency_table.json")
        start |= {"latency_table": "latency_table.json"}
    if entry.search == "path":
        targets = {"kind": target.kind, "targets": [target.value]}
        job(trajectory, start, cell=baseline, arguments=arguments, search=searching, **targets)
        names = {"trajectory": "json", "trajectory_steps": "csv", "snapshots": "safetensors"}
        start |= {name: f"trajectory.{suffix}" for name, suffix in names.items()}
    if entry.matched:
        searched = made_cell(device, entry.searched, images, model=model, width=width, protocol=protocol)
        shutil.copytree(searched, folder / "searched")
        start |= {f"searched_{kind}": f"searched/{kind}.json" for kind in ("prune", "count")}
    job(prune, start, cell=cell, arguments=arguments, search=searching, round_channels=round_channels)
    pruned = {
        "images": images,
        "document": "prune.json",
        "original": "baseline.safetensors",
        "weights": "prune.safetensors",
    }
    job(speedup, pruned, cell=cell)
    compact = {"images": images, "document": "speedup.json", "weights": "speedup.safetensors"}
    job(finetune, compact, cell=cell, training=TRAINING)
    counted = {
        "document": "speedup.json",
        "original": "baseline.safetensors",
        "compact": "speedup.safetensors",
    }
    job(count, counted, cell=cell, device="cpu")
    job(result, {("counts" if kind == "count" else kind): f"{kind}.json" for kind in KINDS[:-1]})
    return {kind: read(folder / f"{kind}.json") for kind in KINDS}


@cache
def trained_baseline(device: str, images: Path, cell: tuple) -> Path:
    """The folder of a baseline that all tests of a cell like it share."""
    folder = Path(tempfile.mkdtemp(prefix="filterbench-baseline-"))
    atexit.register(shutil.rmtree, folder)
    outputs = {"document": folder / "baseline.json", "weights": folder / "baseline.safetensors"}
    params = {"limits": LIMITS, "device": device, "cell": dict(cell), "training": TRAINING}
    train_baseline(Job({"images": images}, outputs, params))
    return folder


@cache
def made_cell(device: str, pruner: str, images: Path, **settings) -> Path:
    """The folder of a cell that all tests which only read it share; the settings are those of `run_cell`."""
    folder = Path(tempfile.mkdtemp(prefix="filterbench-cell-"))
    atexit.register(shutil.rmtree, folder)
    run_cell(device, pruner, images, folder, **settings)
    return folder


def copied_cell(folder: Path, device: str, images: Path) -> dict[str, dict]:
    """A cell of L1Filter on a narrow net in a folder, to add to; its documents by kind."""
    shutil.copytree(made_cell(device, "L1FilterPruner", images, **NARROW), folder, dirs_exist_ok=True)
    return {kind: read(folder / f"{kind}.json") for kind in KINDS}


@pytest.mark.parametrize("device", settings.DEVICES)
@pytest.mark.parametrize("pruner", settings.few_group_pruners(ONE_OF_A_CLASS))
def test_a_cell_goes_through_all_stages(device, pruner, digits_file, tmp_path):
    # Controls differ in their first stage alone.
    net = NARROW if PRUNERS[pruner].control else {}
    documents = run_cell(device, pruner, digits_file, tmp_path, **net)
    assert documents["prune"]["provenance"]["device"] == device
    params = documents["result"]["params"]
    assert params["speedup"] < 0.9 * params["original"]
    assert 0.15 < documents["prune"]["sparsity"]["reached"] < 0.7
    if pruner in ALL_REMOVED:
        assert (documents["speedup"]["layers"] == documents["prune"]["layers"]) == ALL_REMOVED[pruner]
        assert documents["speedup"]["check"]["relative_difference"] < 1e-4
    # A search path keeps its journal, for further targets.
    kept = [".trajectory.search"] if PRUNERS[pruner].search == "path" else []
    assert [path.name for path in tmp_path.glob(".*")] == kept
    correct = read_correct(tmp_path / "finetune.correct", LIMITS["test"])
    assert correct.mean() == documents["finetune"]["performance"]["finetuned"]
    assert documents["finetune"]["correct"] == file_digest(tmp_path / "finetune.correct")
    assert ("search" in documents["prune"]) == (PRUNERS[pruner].searches or pruner == ROUNDS)
    if PRUNERS[pruner].searches:
        scores = documents["prune"]["scores"]
        assert scores["lowest"] <= scores["best"]
        assert 0 <= scores["blind_choices"] <= scores["choices"]
    else:
        assert "scores" not in documents["prune"]


@pytest.fixture(scope="module")
def noisy_digits(digits_file, tmp_path_factory) -> Path:
    """The digits, the test images of which have random labels."""
    file = read_images(digits_file)
    test = file.splits["test"]
    file.labels[test] = np.random.default_rng(0).integers(0, file.classes, len(test))
    path = tmp_path_factory.mktemp("noisy") / "digits.npz"
    write_images(path, file)
    return path


def tensors(path: Path) -> dict[str, bytes]:
    """A weights file without its metadata, which names cell and accuracy."""
    return {name: tensor.numpy().tobytes() for name, tensor in read_weights(path).items()}


def choices(folder: Path, documents: dict[str, dict]) -> dict:
    """All that a study chooses: weights, with masks and best epochs in them, and what it chose them by."""
    kinds = ("baseline", "prune", "speedup", "finetune")
    return {
        "weights": {kind: tensors(folder / f"{kind}.safetensors") for kind in kinds},
        "layers": documents["prune"]["layers"],
        "scores": documents["prune"].get("scores"),
        "trainings": [documents[kind]["training"] for kind in ("baseline", "finetune")],
    }


SEARCHING = [name for name in ONE_OF_A_CLASS if PRUNERS[name].searches and not PRUNERS[name].control]


QUICK_SEARCH = "SimulatedAnnealingPruner"


@pytest.mark.parametrize(
    "pruner",
    [
        "L1FilterPruner",
        QUICK_SEARCH,
        *(pytest.param(name, marks=pytest.mark.slow) for name in SEARCHING if name != QUICK_SEARCH),
    ],
)
def test_test_images_choose_nothing_under_the_validation_protocol(
    pruner, digits_file, noisy_digits, tmp_path
):
    true = run_cell("cpu", pruner, digits_file, tmp_path / "true", **NARROW)
    noisy = run_cell("cpu", pruner, noisy_digits, tmp_path / "noisy", **NARROW)
    assert choices(tmp_path / "true", true) == choices(tmp_path / "noisy", noisy)
    assert noisy["result"]["performance"] != true["result"]["performance"]


def test_test_images_choose_under_the_test_protocol(digits_file, noisy_digits, tmp_path):
    true = run_cell("cpu", QUICK_SEARCH, digits_file, tmp_path / "true", protocol="test", **NARROW)
    noisy = run_cell("cpu", QUICK_SEARCH, noisy_digits, tmp_path / "noisy", protocol="test", **NARROW)
    # Which candidate wins may be the same by luck; what it was judged by is not.
    assert true["prune"]["scores"] != noisy["prune"]["scores"]


def test_a_shape_trained_from_scratch_is_the_compact_one_and_has_its_column(digits_file, tmp_path):
    cell = tmp_path / "0.5"
    documents = copied_cell(cell, "cpu", digits_file)
    assert documents == run_cell("cpu", "L1FilterPruner", digits_file, tmp_path / "again", **NARROW)
    inputs = {
        "images": digits_file,
        "document": cell / "speedup.json",
        "weights": cell / "speedup.safetensors",
    }
    path = cell / "scratch-finetune.json"
    outputs = {"document": path, "weights": path.with_suffix(".safetensors")}
    params = {"cell": documents["finetune"]["cell"], "limits": LIMITS, "device": "cpu", "training": TRAINING}
    scratch(Job(inputs, outputs, params | {"budget": "finetune"}))
    trained, compact = (
        {name: tensor.shape for name, tensor in read_weights(tmp_path / f"0.5/{file}").items()}
        for file in ("scratch-finetune.safetensors", "speedup.safetensors")
    )
    assert trained == compact
    document = read(path)
    assert (document["budget"], len(document["training"]["epochs"])) == ("finetune", TRAINING["epochs"])

    def columns(again: list[str]) -> dict[str, str]:
        table = tmp_path / "comparison.csv"
        outputs = {
            "collection": tmp_path / "comparison.json",
            "table": table,
            "digests": tmp_path / "digests.json",
        }
        compare(
            Job(
                {},
                outputs,
                {"cells": [tmp_path / "0.5"], "again": {"L1FilterPruner": again}, "unpruned": False},
            )
        )
        with table.open(newline="") as file:
            return next(csv.DictReader(file))

    accuracy = str(document["performance"]["scratch"])
    assert columns(["scratch-finetune"]) == columns([]) | {"performance_scratch_finetune": accuracy}


def test_the_unpruned_net_can_be_fine_tuned_too(digits_file, tmp_path):
    cell = tmp_path / "seed-0/L1FilterPruner/0.5"
    documents = copied_cell(cell, "cpu", digits_file)
    baseline = tmp_path / "seed-0/baseline"
    inputs = {
        "images": digits_file,
        "document": cell / "baseline.json",
        "weights": cell / "baseline.safetensors",
    }
    path = baseline / "baseline-finetune.json"
    outputs = {"document": path, "weights": path.with_suffix(".safetensors")}
    params = {"cell": documents["baseline"]["cell"], "limits": LIMITS, "device": "cpu", "training": TRAINING}
    finetune(Job(inputs, outputs, params))
    document = read(path)
    assert document["training"]["settings"] == documents["finetune"]["training"]["settings"]
    table = tmp_path / "comparison.csv"
    outputs = {
        "collection": tmp_path / "comparison.json",
        "table": table,
        "digests": tmp_path / "digests.json",
    }
    (baseline / "sensitivity.json").touch()
    compare(Job({}, outputs, {"cells": [cell], "again": {}, "unpruned": True}))
    listed = [path for path in read(outputs["digests"])["documents"] if path.startswith("seed-0/baseline")]
    # Not what is made on request, maybe later.
    assert listed == ["seed-0/baseline/baseline-finetune.json"]
    row = pd.read_csv(table).iloc[0]
    assert row["performance_original_finetuned"] == document["performance"]["finetuned"]
    assert row["chance"] == documents["finetune"]["images"]["chance"]
    assert 0 < row["chance"] < 0.2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_evaluates_in_float32(few_images):
    seen = []

    class Watching(nn.Module):
        def forward(self, images):
            seen.append(torch.is_autocast_enabled("cuda"))
            return images.flatten(1)[:, :2]

    images = few_images.test
    moved = {name: getattr(images, name).cuda() for name in ("pixels", "labels", "mean", "std")}
    evaluate(Watching(), replace(images, **moved))
    assert not any(seen)


def test_an_infeasible_cell_is_not_trained_from_scratch(tmp_path):
    (tmp_path / "speedup.json").write_text('{"infeasible": "too little is left"}')
    outputs = {kind: tmp_path / f"scratch-baseline.{kind}" for kind in ("json", "safetensors")}
    cell = {**BASELINE, "model": "resnet18", "width": 0.125, "pruner": "L1FilterPruner", "sparsity": 0.5}
    scratch(
        Job(
            {"document": tmp_path / "speedup.json"},
            {"document": outputs["json"], "weights": outputs["safetensors"]},
            {"cell": cell, "device": "cpu"},
        )
    )
    assert read(outputs["json"])["infeasible"] == "too little is left"


@pytest.mark.parametrize(
    ("model", "width"),
    [
        ("vgg19", 1 / 16),
        pytest.param("mobilenetv2", 1 / 4, marks=pytest.mark.slow),
        pytest.param("resnet56", 1 / 4, marks=pytest.mark.slow),
    ],
)
def test_a_model_goes_through_all_stages(model, width, digits_file, tmp_path):
    documents = run_cell("cpu", "L1FilterPruner", digits_file, tmp_path, model, width)
    params = documents["result"]["params"]
    assert params["speedup"] < 0.8 * params["original"]
    assert documents["speedup"]["check"]["relative_difference"] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(("model", "width"), [("vgg16", 1 / 8), ("mobilenetv2", 1 / 4)])
@pytest.mark.parametrize("pruner", [*settings.GROUP_PRUNERS, "SensitivityPruner", "EagleEyePruner"])
def test_pruners_of_groups_take_a_chain_and_a_depthwise_net_through_all_stages(
    model, width, pruner, digits_file, tmp_path
):
    documents = run_cell("cpu", pruner, digits_file, tmp_path, model, width)
    params = documents["result"]["params"]
    assert params["speedup"] < 0.9 * params["original"]
    if pruner in ALL_REMOVED:
        assert documents["speedup"]["layers"] == documents["prune"]["layers"]
        assert documents["speedup"]["check"]["relative_difference"] < 1e-4


@pytest.mark.parametrize(
    ("pruner", "net", "target"),
    [
        ("L1FilterPruner", {}, HALF),
        ("NetAdaptPruner", NARROW, HALF),
        pytest.param("AutoCompressPruner", NARROW, HALF, marks=pytest.mark.slow),
        ("GroupNormPruner", {}, HALF),
        ("L2FilterPruner", {}, Target("flops", 0.5)),
    ],
)
def test_channels_are_rounded_and_budgets_hold(pruner, net, target, digits_file, tmp_path):
    documents = run_cell("cpu", pruner, digits_file, tmp_path, target=target, round_channels=4, **net)
    assert documents["prune"]["round_channels"] == 4
    for layer in documents["speedup"]["layers"]:
        assert layer["kept"] % 4 == 0, layer
        assert 0 < layer["kept"] <= layer["channels"]
    if target.kind == "flops":
        assert documents["prune"]["budget"]["reached"] <= 0.5
        flops = documents["count"]["flops"]
        assert flops["speedup"] / flops["original"] <= 0.5
    if "check" in documents["speedup"]:
        assert documents["speedup"]["check"]["relative_difference"] < 1e-4


def draw_latencies(folder: Path, infeasible: dict) -> None:
    """Table and figure of a measured cell and an infeasible one."""
    other = folder / "infeasible"
    write(other / "latency.json", {"cell": infeasible, "infeasible": "too far"})
    outputs = {name: folder / f"latency.{name}" for name in ("png", "svg", "pdf")} | {
        "table": folder / "latency.csv",
    }
    params = {"cells": [folder, other], "model": "vgg16", "dataset": "digits", "titled": True}
    compare_latency(Job({}, outputs, params))
    table, measured = pd.read_csv(outputs["table"]), read(folder / "latency.json")
    assert table["infeasible"].tolist()[1] == "too far"
    for runtime, timings in measured["runtimes"].items():
        for name in ("single", "batch"):
            original, compact = (timings[name][net]["median"] for net in ("original", "speedup"))
            assert table[f"latency_{runtime}_{name}_compact"][0] == compact
            assert table[f"relative_{runtime}_{name}_compact"][0] == pytest.approx(compact / original)
    activations = measured["memory"]["activations"]["batch"]["speedup"]
    assert table["activations_batch_compact"][0] == activations
    drawn = outputs["svg"].read_text()
    for text in (
        "NetAdapt (infeasible: 0.5)",
        "torch: latency of one image, relative to",
        "median of 5 runs, batch of 50",
    ):
        assert text in drawn


@pytest.mark.parametrize("device", settings.DEVICES)
def test_a_cells_nets_are_timed_and_its_compact_net_is_exported(device, digits_file, tmp_path):
    documents = copied_cell(tmp_path, device, digits_file)
    cell = documents["finetune"]["cell"]
    nets = {
        "images": digits_file,
        "document": tmp_path / "speedup.json",
        "original": tmp_path / "baseline.safetensors",
        "compact": tmp_path / "speedup.safetensors",
    }
    runtimes = ["torch", "onnxruntime"] if device == "cpu" else ["torch"]
    settings = {"batch": 50, "runs": 5, "warm_up": 2, "threads": 1, "runtimes": runtimes}
    timed = {"document": tmp_path / "latency.json"}

    def time_with(**changes) -> None:
        params = {"cell": cell, "limits": LIMITS, "device": device, "measurement": settings | changes}
        latency(Job(nets, timed, params, threads=8))

    time_with()
    measured = read(timed["document"])
    assert (measured["provenance"]["device"], measured["provenance"]["threads"]) == (device, 1)
    assert ("gpu" in measured["machine"]) == (device == "cuda")
    assert list(measured["runtimes"]) == runtimes
    if device == "cpu":
        for timings in measured["runtimes"].values():
            assert timings["batch"]["original"]["median"] > 2 * timings["single"]["original"]["median"]
        assert measured["runtimes"]["onnxruntime"]["relative_difference"] < 1e-4
        memory = measured["memory"]
        assert memory["onnx_bytes"]["speedup"] < memory["onnx_bytes"]["original"]
        # Python, numpy and onnxruntime themselves take tens of megabytes.
        assert 2e7 < memory["process"]["single"]["speedup"] < memory["process"]["batch"]["original"] < 1e9
    else:
        with pytest.raises(InputError, match=r"latency\.runtimes: onnxruntime is measured on the CPU"):
            time_with(runtimes=["onnxruntime"])
    draw_latencies(tmp_path, {**cell, "pruner": "NetAdaptPruner"})
    with pytest.raises(InputError, match=r"latency\.batch: 101 is more than the study's 100 test images"):
        time_with(batch=101)

    finetuned = {
        "images": digits_file,
        "document": tmp_path / "finetune.json",
        "weights": tmp_path / "finetune.safetensors",
        "result": tmp_path / "result.json",
    }
    made = {
        "model": tmp_path / "model.onnx",
        "archive": tmp_path / "net.pt2",
        "card": tmp_path / "card.md",
        "document": tmp_path / "export.json",
    }
    export(Job(finetuned, made, {"cell": cell, "limits": LIMITS, "device": "cpu", "pixels": False}))
    assert read(made["document"])["check"]["images"] == 64
    assert read(made["document"])["classes"] == list("0123456789")
    test = load_splits(digits_file, "validation", LIMITS, torch.device("cpu")).test
    accuracy = evaluate(OnnxNet(made["model"].read_bytes(), 1), test).accuracy
    # A GPU evaluates in bfloat16.
    assert accuracy == pytest.approx(documents["finetune"]["performance"]["finetuned"], abs=0.02)


def test_an_infeasible_cell_has_no_latency_and_nothing_to_export(digits_file, tmp_path):
    cell = {**BASELINE, "model": "resnet18", "width": 0.125, "pruner": "NetAdaptPruner", "sparsity": 0.95}
    before = tmp_path / "finetune.json"
    write(before, {"cell": cell, "infeasible": "too far"})
    params = {"cell": cell, "limits": LIMITS, "device": "cpu", "measurement": {"threads": 1}}
    latency(Job({"document": before}, {"document": tmp_path / "latency.json"}, params))
    assert read(tmp_path / "latency.json")["infeasible"] == "too far"
    outputs = {"card": tmp_path / "card.md", "document": tmp_path / "export.json"}
    export(Job({"document": before}, outputs, params))
    assert outputs["card"].read_text() == "An infeasible cell has no net: too far\n"
    assert read(outputs["document"])["infeasible"] == "too far"


@pytest.mark.parametrize(
    ("pruner", "kind"),
    [
        ("L1FilterPruner", "flops"),
        pytest.param("NetAdaptPruner", "flops", marks=pytest.mark.slow),
        ("NetAdaptPruner", "latency"),
        ("SimulatedAnnealingPruner", "latency"),
    ],
)
def test_a_cell_under_a_budget_goes_through_all_stages(pruner, kind, digits_file, tmp_path):
    documents = run_cell("cpu", pruner, digits_file, tmp_path, target=Target(kind, 0.7), **NARROW)
    budget, flops = documents["prune"]["budget"], documents["count"]["flops"]
    assert documents["count"]["cell"][kind] == budget["asked"] == 0.7
    assert budget["reached"] == budget["pruned"] / budget["original"] <= 0.7
    assert budget["reached"] > 0.9 * 0.7
    if kind == "flops":
        assert flops == {"original": budget["original"], "speedup": budget["pruned"]}
