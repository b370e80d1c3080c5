"""Every stage of a cell in one process, on the CPU and, where there is one, on a GPU."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from filterbench.data.loading import load_splits
from filterbench.documents import read, write
from filterbench.errors import InputError
from filterbench.exporting import OnnxNet
from filterbench.jobs import Job
from filterbench.pruners import PRUNERS, arguments_of
from filterbench.stages.compare_latency import compare_latency
from filterbench.stages.count import count
from filterbench.stages.export import export
from filterbench.stages.finetune import finetune
from filterbench.stages.latency import latency
from filterbench.stages.prune import prune
from filterbench.stages.result import result
from filterbench.stages.speedup import speedup
from filterbench.stages.train_baseline import train_baseline
from filterbench.stages.trajectory import trajectory
from filterbench.training.evaluation import evaluate

BASELINE = {
    "study": "stages",
    "dataset": "digits",
    "protocol": "validation",
    "model": "resnet18",
    "width": 0.125,
    "seed": 0,
}
TRAINING = {
    "epochs": 2,
    "batch_size": 64,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "schedule": "one-cycle",
    "augment": True,
}
LIMITS = {"train": 512, "validation": 100, "test": 100}
CHANGES = {
    "NetAdaptPruner": {"sparsity_per_iteration": 0.25, "short_term_steps": 2},
    "SimulatedAnnealingPruner": {"stop_temperature": 70},
    "AutoCompressPruner": {
        "num_iterations": 2,
        "stop_temperature": 70,
        "admm_num_iterations": 2,
        "admm_epochs_per_iteration": 1,
    },
}
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


def run_cell(device: str, pruner: str, images: Path, folder: Path) -> dict[str, dict]:
    """All stages of one cell; its documents by kind."""

    def job(stage, inputs: dict, **params) -> None:
        inputs = {name: folder / path if isinstance(path, str) else path for name, path in inputs.items()}
        kind = "baseline" if stage is train_baseline else stage.__name__
        outputs = {
            "document": folder / f"{kind}.json",
            "weights": folder / f"{kind}.safetensors",
            "search": folder / f"{kind}.csv",
        }
        if stage in (count, result):
            del outputs["weights"]
        stage(Job(inputs, outputs, {"limits": LIMITS, "device": device, **params}))

    cell = {**BASELINE, "pruner": pruner, "sparsity": 0.5}
    entry = PRUNERS[pruner]
    arguments = arguments_of(pruner, CHANGES.get(pruner, {}))
    searching = {"net": "compact", "batch_size": 64, "augment": True} if entry.searches else {}
    start = {"images": images, "weights": "baseline.safetensors"}
    job(train_baseline, {"images": images}, cell=BASELINE, training=TRAINING)
    if entry.trajectory:
        job(trajectory, start, cell=BASELINE, arguments=arguments, search=searching, targets=[0.5])
        names = {"trajectory": "json", "trajectory_steps": "csv", "snapshots": "safetensors"}
        start |= {name: f"trajectory.{suffix}" for name, suffix in names.items()}
    job(prune, start, cell=cell, arguments=arguments, search=searching)
    pruned = {"images": images, "document": "prune.json", "weights": "prune.safetensors"}
    job(speedup, pruned, cell=cell)
    compact = {"images": images, "document": "speedup.json", "weights": "speedup.safetensors"}
    job(finetune, compact, cell=cell, training=TRAINING)
    counted = {
        "document": "speedup.json",
        "original": "baseline.safetensors",
        "compact": "speedup.safetensors",
    }
    job(count, counted, cell=cell, device="cpu")
    kinds = ("baseline", "prune", "speedup", "finetune", "count")
    job(result, {("counts" if kind == "count" else kind): f"{kind}.json" for kind in kinds})
    return {kind: read(folder / f"{kind}.json") for kind in (*kinds, "result")}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("pruner", PRUNERS)
def test_a_cell_goes_through_all_stages(device, pruner, digits_file, tmp_path):
    documents = run_cell(device, pruner, digits_file, tmp_path)
    assert documents["prune"]["provenance"]["device"] == device
    params = documents["result"]["params"]
    assert params["speedup"] < 0.9 * params["original"]
    assert 0.15 < documents["prune"]["sparsity"]["reached"] < 0.7
    assert not list(tmp_path.glob(".*"))


def draw_latencies(folder: Path, infeasible: dict) -> None:
    """Table and figure of a measured cell and an infeasible one."""
    other = folder / "infeasible"
    write(other / "latency.json", {"cell": infeasible, "infeasible": "too far"})
    outputs = {name: folder / f"latency.{name}" for name in ("png", "svg")} | {
        "table": folder / "latency.csv"
    }
    params = {"cells": [folder, other], "model": "resnet18", "dataset": "digits"}
    compare_latency(Job({}, outputs, params))
    table, measured = pd.read_csv(outputs["table"]), read(folder / "latency.json")
    assert table["infeasible"].tolist()[1] == "too far"
    for name in ("single", "batch"):
        original, compact = (measured[name][net]["median"] for net in ("original", "speedup"))
        assert table[f"latency_{name}_speedup"][0] == compact
        assert table[f"relative_{name}_speedup"][0] == pytest.approx(compact / original)
    drawn = outputs["svg"].read_text()
    for text in (
        "NetAdapt (infeasible: 0.5)",
        "latency of one image, relative to",
        "median of 5 runs, batch of 50",
    ):
        assert text in drawn


@pytest.mark.parametrize("device", DEVICES)
def test_a_cells_nets_are_timed_and_its_compact_net_is_exported(device, digits_file, tmp_path):
    documents = run_cell(device, "L1FilterPruner", digits_file, tmp_path)
    cell = documents["finetune"]["cell"]
    nets = {
        "images": digits_file,
        "document": tmp_path / "speedup.json",
        "original": tmp_path / "baseline.safetensors",
        "compact": tmp_path / "speedup.safetensors",
    }
    settings = {"batch": 50, "runs": 5, "warm_up": 2, "threads": 1}
    timed = {"document": tmp_path / "latency.json"}

    def time_with(**changes) -> None:
        params = {"cell": cell, "limits": LIMITS, "device": device, "latency": settings | changes}
        latency(Job(nets, timed, params, threads=8))

    time_with()
    measured = read(timed["document"])
    assert (measured["provenance"]["device"], measured["provenance"]["threads"]) == (device, 1)
    assert ("gpu" in measured["machine"]) == (device == "cuda")
    if device == "cpu":
        assert measured["batch"]["original"]["median"] > 2 * measured["single"]["original"]["median"]
    draw_latencies(tmp_path, {**cell, "pruner": "NetAdaptPruner"})
    with pytest.raises(InputError, match=r"latency\.batch: 101 is more than the study's 100 test images"):
        time_with(batch=101)

    finetuned = {
        "images": digits_file,
        "document": tmp_path / "finetune.json",
        "weights": tmp_path / "finetune.safetensors",
    }
    made = {"model": tmp_path / "model.onnx", "document": tmp_path / "export.json"}
    export(Job(finetuned, made, {"cell": cell, "limits": LIMITS, "device": "cpu"}))
    assert read(made["document"])["check"]["images"] == 64
    test = load_splits(digits_file, "validation", LIMITS, torch.device("cpu")).test
    accuracy = evaluate(OnnxNet(made["model"].read_bytes(), 1), test).accuracy
    # A GPU evaluates in bfloat16.
    assert accuracy == pytest.approx(documents["finetune"]["performance"]["finetuned"], abs=0.02)


def test_an_infeasible_cell_has_no_latency_and_nothing_to_export(digits_file, tmp_path):
    cell = {**BASELINE, "pruner": "NetAdaptPruner", "sparsity": 0.95}
    before = tmp_path / "finetune.json"
    write(before, {"cell": cell, "infeasible": "too far"})
    params = {"cell": cell, "limits": LIMITS, "device": "cpu", "latency": {"threads": 1}}
    latency(Job({"document": before}, {"document": tmp_path / "latency.json"}, params))
    assert read(tmp_path / "latency.json")["infeasible"] == "too far"
    outputs = {"model": tmp_path / "model.onnx", "document": tmp_path / "export.json"}
    with pytest.raises(InputError, match=r"model\.onnx: an infeasible cell has no net to export: too far"):
        export(Job({"document": before}, outputs, params))
    assert not outputs["model"].exists()
