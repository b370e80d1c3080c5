"""This workflow against the published study's way, on the same cells, images and epochs.

The published way is written out here as its script went: a process a cell that takes all cores, NNI's own
classes with masked evaluation, NetAdapt to each target anew, an evaluation after each epoch of fine-tuning.
One thing is kinder to it than the script was: the baseline is loaded, not trained again.
`benchmarks/README.md` says how to run it.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from checkout import Checkout
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nni.algorithms.compression.pytorch import pruning
    from nni.compression.pytorch import ModelSpeedup
    from nni.compression.pytorch.utils.counter import count_flops_params

from filterbench.data.loading import Images, Splits, load_splits
from filterbench.models.rebuilding import rebuild_model
from filterbench.storage.weights import read_weights

STUDY = "benchmark"
BATCH = 64
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Load:
    """What both ways compute.

    Attributes:
        images: of training, and a quarter of them, at most 128, of each other split.
        epochs: of fine-tuning.
        short_term_steps: batches for each candidate of NetAdapt.
        admm: iterations of ADMM, of one epoch each, in each of AutoCompress's three rounds.
        cells: sparsities by pruner.
    """

    images: int
    epochs: int
    short_term_steps: int
    admm: int
    cells: dict[str, list[float]]


LOADS = {
    "few": Load(
        128,
        1,
        2,
        1,
        {
            "L1FilterPruner": [0.3, 0.5],
            "FPGMPruner": [0.5],
            "NetAdaptPruner": [0.1, 0.2],
            "SimulatedAnnealingPruner": [0.3, 0.5],
            "AutoCompressPruner": [0.5],
        },
    ),
    "many": Load(
        1024,
        3,
        2,
        1,
        {
            "L1FilterPruner": [0.3, 0.5, 0.8],
            "FPGMPruner": [0.5],
            "NetAdaptPruner": [0.1, 0.2],
            "SimulatedAnnealingPruner": [0.5, 0.8],
            "AutoCompressPruner": [0.5],
        },
    ),
}


def study_of(load: Load, width: float, precision: str) -> dict:
    """The study that makes the same cells."""
    training = {
        "batch_size": BATCH,
        "learning_rate": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "schedule": "multistep",
        "augment": False,
    }
    arguments = {
        "NetAdaptPruner": {"short_term_steps": load.short_term_steps, "short_term_learning_rate": 0.01},
        "AutoCompressPruner": {"admm_num_iterations": load.admm, "admm_epochs_per_iteration": 1},
    }
    limits = {f"{name}_images": number for name, number in split_limits(load).items()}
    return {
        "study": STUDY,
        "dataset": {"name": "digits", **limits},
        "protocol": "validation",
        "device": "cpu",
        "precision": precision,
        "seeds": [0],
        "models": {"vgg16": {"width": width}},
        "sparsities": sorted({sparsity for cells in load.cells.values() for sparsity in cells}),
        "pruners": {
            pruner: {"arguments": arguments.get(pruner, {}), "sparsities": {"vgg16": sparsities}}
            for pruner, sparsities in load.cells.items()
        },
        "search": {"net": "compact", "batch_size": BATCH, "augment": False},
        "baseline": {"epochs": 2, **training},
        "finetune": {"epochs": load.epochs, **training},
    }


def evaluate(model: nn.Module, images: Images) -> float:
    """Accuracy, 0..1."""
    model.eval()
    with torch.no_grad():
        right = sum(int((model(batch).argmax(1) == labels).sum()) for batch, labels in images.batches(200))
    return right / len(images)


def batches(images: Images) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass in random order."""
    for chosen in torch.randperm(len(images)).split(BATCH):
        yield images.batch(chosen, None), images.labels[chosen]


def train(
    model: nn.Module, images: Images, optimizer: torch.optim.Optimizer, steps: int | None = None
) -> None:
    """One pass over the images, or as many batches of it."""
    model.train()
    for step, (batch, labels) in enumerate(batches(images)):
        if step == steps:
            break
        optimizer.zero_grad()
        cross_entropy(model(batch), labels).backward()
        optimizer.step()


def new_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """As the published script's."""
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)


def pruner_of(
    name: str, model: nn.Module, sparsity: float, splits: Splits, load: Load, folder: str
) -> object:
    """NNI's pruner as the published script makes it."""
    config = [{"sparsity": sparsity, "op_types": ["Conv2d"]}]
    common = {"experiment_data_dir": folder, "evaluator": lambda net: evaluate(net, splits.selection)}

    def tune(net: nn.Module) -> None:
        train(net, splits.train, new_optimizer(net), load.short_term_steps)

    makers: dict[str, Callable[[], object]] = {
        "NetAdaptPruner": lambda: pruning.NetAdaptPruner(model, config, short_term_fine_tuner=tune, **common),
        "SimulatedAnnealingPruner": lambda: pruning.SimulatedAnnealingPruner(model, config, **common),
        "AutoCompressPruner": lambda: pruning.AutoCompressPruner(
            model,
            config,
            trainer=lambda net, optimizer, criterion, epoch: train(net, splits.train, optimizer),
            dummy_input=torch.zeros(1, 3, 32, 32),
            admm_num_iterations=load.admm,
            admm_epochs_per_iteration=1,
            **common,
        ),
    }
    return makers.get(name, lambda: getattr(pruning, name)(model, config))()


def one_cell(pruner: str, sparsity: float, load: Load) -> None:
    """One cell in this process, in the workflow's folder: prune, speed up, count, fine-tune."""
    splits = load_splits(Path("data/digits.npz"), "validation", split_limits(load), torch.device("cpu"))
    weights = Path(f"results/{STUDY}/vgg16/seed-0/baseline/model.safetensors")
    model = rebuild_model("vgg16", read_weights(weights), weights).eval()
    original = copy.deepcopy(model)
    evaluate(model, splits.test)
    with tempfile.TemporaryDirectory() as folder:
        instance = pruner_of(pruner, model, sparsity, splits, load, folder)
        pruned = instance.compress()
        if pruner != "AutoCompressPruner":
            files = f"{folder}/model.pth", f"{folder}/mask.pth"
            instance.export_model(*files)
            evaluate(pruned, splits.test)
            pruned = original
            pruned.load_state_dict(torch.load(files[0]))
            ModelSpeedup(pruned, torch.zeros(1, 3, 32, 32), files[1]).speedup_model()
    evaluate(pruned, splits.test)
    count_flops_params(pruned, (1, 3, 32, 32), verbose=False)
    optimizer, best = new_optimizer(pruned), 0.0
    for _ in range(load.epochs):
        train(pruned, splits.train, optimizer)
        best = max(best, evaluate(pruned, splits.test))
    print(f"{pruner} {sparsity}: {best:.4f}")


def split_limits(load: Load) -> dict[str, int]:
    """Images by split."""
    few = min(load.images // 4, 128)
    return {"train": load.images, "validation": few, "test": few}


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command and of every process that it leaves behind."""
    wall, before = time.perf_counter(), os.times()
    run = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    if run.returncode:
        sys.exit(f"{' '.join(command)}\n{run.stdout[-2000:]}{run.stderr[-4000:]}")
    wall = time.perf_counter() - wall
    # What outlives its parent becomes this process's child.
    try:
        while True:
            os.wait()
    except ChildProcessError:
        after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    return wall, cpu


def cells_of(load: Load, pruner: str) -> list[str]:
    """The workflow's targets."""
    return [
        f"results/{STUDY}/vgg16/seed-0/{pruner}/{sparsity:g}/result.json" for sparsity in load.cells[pruner]
    ]


def threads_of(sparsities: list[float]) -> list[str]:
    """Options that give the only cell of a pruner all cores; see docs/workflow.md on nets of full width."""
    if len(sparsities) > 1:
        return []
    return ["--set-threads", f"prune={os.cpu_count()}", f"finetune={os.cpu_count()}"]


def compare(name: str, width: float, precision: str) -> None:
    """Print a table by pruner, and the whole table in one run."""
    load = LOADS[name]
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.fresh(Path(folder))
        study = checkout.folder / "studies" / f"{STUDY}.yaml"
        study.write_text(yaml.safe_dump(study_of(load, width, precision)))
        workflow = ["--cores", "all", "--configfile", str(study), "--quiet", "all", "--"]
        timed(["snakemake", *workflow, "baselines"], checkout.folder)
        print(
            f"load: {name}, VGG16 at width {width:g}, {load.images} images, {load.epochs} epochs, {precision}"
        )
        print(f"{'':>28}{'published way':>22}{'this workflow':>22}   ratio of wall times")
        row = "{:>28}{:>12.1f} s {:>5.0f} CPU{:>11.1f} s {:>5.0f} CPU{:>8.2f}"
        sums = [0.0, 0.0]
        for pruner, sparsities in load.cells.items():
            theirs = [0.0, 0.0]
            for sparsity in sparsities:
                command = [sys.executable, __file__, "--cell", pruner, str(sparsity), "--load", name]
                theirs = [sum(pair) for pair in zip(theirs, timed(command, checkout.folder), strict=True)]
            command = ["snakemake", *threads_of(sparsities), *workflow, *cells_of(load, pruner)]
            ours = timed(command, checkout.folder)
            print(row.format(pruner, *theirs, *ours, theirs[0] / ours[0]), flush=True)
            sums = [sum(pair) for pair in zip(sums, theirs, strict=True)]
        for pruner in load.cells:
            shutil.rmtree(checkout.folder / f"results/{STUDY}/vgg16/seed-0/{pruner}")
        targets = [target for pruner in load.cells for target in cells_of(load, pruner)]
        ours = timed(["snakemake", *workflow, *targets], checkout.folder)
        print(row.format("all cells, one run", *sums, *ours, sums[0] / ours[0]), flush=True)


def main() -> None:
    """Compare both ways, or run one cell in the published way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--load", choices=LOADS, required=True)
    parser.add_argument("--width", type=float, default=1.0, help="of VGG16, from 0 to 1")
    parser.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="of this workflow's trainings; the published way is float32",
    )
    parser.add_argument("--cell", nargs=2, metavar=("PRUNER", "SPARSITY"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.cell:
        one_cell(asked.cell[0], float(asked.cell[1]), LOADS[asked.load])
        return
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    compare(asked.load, asked.width, asked.precision)


if __name__ == "__main__":
    main()
