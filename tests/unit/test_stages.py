"""Every stage of a cell in one process, on the CPU and, where there is one, on a GPU."""

from pathlib import Path

import pytest
import torch

from filterbench.documents import read
from filterbench.jobs import Job
from filterbench.pruners import PRUNERS, arguments_of
from filterbench.stages.count import count
from filterbench.stages.finetune import finetune
from filterbench.stages.latency_table import latency_table
from filterbench.stages.prune import prune
from filterbench.stages.result import result
from filterbench.stages.speedup import speedup
from filterbench.stages.train_baseline import train_baseline
from filterbench.stages.trajectory import trajectory
from filterbench.targets import Target

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
HALF = Target("sparsity", 0.5)
QUICK = {"batch": 8, "runs": 5, "warm_up": 1, "threads": 1}
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


def run_cell(device: str, pruner: str, images: Path, folder: Path, target: Target = HALF) -> dict[str, dict]:
    """All stages of one cell; its documents by kind."""

    def job(stage, inputs: dict, **params) -> None:
        inputs = {name: folder / path if isinstance(path, str) else path for name, path in inputs.items()}
        kind = "baseline" if stage is train_baseline else stage.__name__
        outputs = {
            "document": folder / f"{kind}.json",
            "weights": folder / f"{kind}.safetensors",
            "search": folder / f"{kind}.csv",
        }
        if stage in (count, result, latency_table):
            del outputs["weights"]
        limits = {"train": 512, "validation": 100, "test": 100}
        stage(Job(inputs, outputs, {"limits": limits, "device": device, **params}))

    cell = {**BASELINE, "pruner": pruner, **target.document()}
    entry = PRUNERS[pruner]
    arguments = arguments_of(pruner, CHANGES.get(pruner, {}))
    searching = {"net": "compact", "batch_size": 64, "augment": True} if entry.searches else {}
    start = {"images": images, "weights": "baseline.safetensors"}
    job(train_baseline, {"images": images}, cell=BASELINE, training=TRAINING)
    if target.kind == "latency":
        job(latency_table, {"images": images}, cell=BASELINE, latency=QUICK)
        start |= {"latency_table": "latency_table.json"}
    if entry.trajectory:
        targets = {"kind": target.kind, "targets": [target.value]}
        job(trajectory, start, cell=BASELINE, arguments=arguments, search=searching, **targets)
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


@pytest.mark.parametrize("kind", ["flops", "latency"])
@pytest.mark.parametrize("pruner", [name for name, entry in PRUNERS.items() if entry.takes_budgets])
def test_a_cell_under_a_budget_goes_through_all_stages(pruner, kind, digits_file, tmp_path):
    documents = run_cell("cpu", pruner, digits_file, tmp_path, Target(kind, 0.7))
    budget, flops = documents["prune"]["budget"], documents["count"]["flops"]
    assert documents["count"]["cell"][kind] == budget["asked"] == 0.7
    assert budget["reached"] == budget["pruned"] / budget["original"] <= 0.7
    assert budget["reached"] > 0.9 * 0.7
    if kind == "flops":
        assert flops == {"original": budget["original"], "speedup": budget["pruned"]}
