"""A job whose process is killed again and again ends with the same documents."""

import random
import signal
import time
from dataclasses import dataclass
from multiprocessing import Process
from pathlib import Path

import pandas as pd
import pytest
from killed_job import start
from settings import TRAINING

from filterbench.jobs.job import Job
from filterbench.pruners.registry import arguments_of
from filterbench.stages.train_baseline import train_baseline
from filterbench.storage.stopwatch import benchmark_file

CELL = {
    "study": "interruption",
    "dataset": "digits",
    "protocol": "validation",
    "model": "vgg16",
    "width": 0.0625,
    "seed": 0,
}
COMMON = {"limits": {"train": 256}, "device": "cpu", "round_channels": 1}
SEARCH = {"net": "compact", "batch_size": 64, "augment": True}


KILLS = 2


@dataclass(frozen=True)
class Interrupted:
    """A stage and its params."""

    stage: str
    params: dict


def pruning(pruner: str, **changes) -> dict:
    cell = {**CELL, "pruner": pruner, "sparsity": 0.6}
    return {**COMMON, "cell": cell, "arguments": arguments_of(pruner, changes), "search": SEARCH}


CASES = {
    "NetAdapt": Interrupted(
        "trajectory",
        {
            **pruning(
                "NetAdaptPruner",
                sparsity_per_iteration=0.05,
                short_term_steps=2,
                short_term_learning_rate=0.01,
            ),
            "cell": CELL,
            "kind": "sparsity",
            "targets": [0.2, 0.4],
        },
    ),
    "SimulatedAnnealing": Interrupted(
        "prune", pruning("SimulatedAnnealingPruner", cool_down_rate=0.97, perturbation_magnitude=0.5)
    ),
    "AutoCompress": Interrupted(
        "prune", pruning("AutoCompressPruner", admm_num_iterations=3, admm_epochs_per_iteration=2)
    ),
    "training": Interrupted(
        "train_baseline", {**COMMON, "cell": CELL, "training": TRAINING | {"epochs": 40}}
    ),
}


@pytest.fixture(scope="module")
def baseline(digits_file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("baseline")
    weights = folder / "model.safetensors"
    train_baseline(
        Job(
            {"images": digits_file},
            {"weights": weights, "document": folder / "baseline.json"},
            {**COMMON, "cell": CELL, "training": TRAINING},
        )
    )
    return weights


def begin(case: Interrupted, digits_file: Path, baseline: Path, folder: Path) -> Process:
    folder.mkdir(exist_ok=True)
    outputs = {"weights": "made.safetensors", "document": f"{document_of(case)}.json", "search": "search.csv"}
    job = {
        "stage": case.stage,
        "inputs": {"images": digits_file, "weights": baseline},
        "outputs": outputs,
        "params": case.params,
    }
    return start(job, folder)


def ended(process: Process) -> int:
    process.join()
    return process.exitcode


def document_of(case: Interrupted) -> str:
    return "baseline" if case.stage == "train_baseline" else case.stage


def state(folder: Path) -> list:
    """What a job has recorded so far, beside its outputs: the journal, the checkpoints."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                found.append((path, path.stat().st_size, path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in ("AutoCompress", "NetAdapt") else ())
        for name in CASES
    ],
)
def test_a_job_killed_at_random_moments_ends_with_the_same_documents(name, digits_file, baseline, tmp_path):
    case = CASES[name]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert ended(begin(case, digits_file, baseline, undisturbed)) == 0
    dice, started = random.Random(0), time.monotonic()
    for _ in range(KILLS):
        process = begin(case, digits_file, baseline, killed)
        for _ in range(dice.randint(1, 4)):
            before = state(killed)
            while state(killed) == before:
                assert process.is_alive(), "the job ended before it could be killed"
                time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.05))
        process.kill()
        assert ended(process) == -signal.SIGKILL
    assert ended(begin(case, digits_file, baseline, killed)) == 0
    for path in (f"{document_of(case)}.json", "made.safetensors"):
        assert (killed / path).read_bytes() == (undisturbed / path).read_bytes()
    # A search path keeps its journal, for further targets.
    kept = [".trajectory.search"] if case.stage == "trajectory" else []
    assert [path.name for path in killed.iterdir() if path.name.startswith(".")] == kept
    # The seconds before the last kill, up to the state that the last process went on from, are not lost.
    taken, undisturbed_taken = (
        pd.read_csv(benchmark_file(folder / f"{document_of(case)}.json"), sep="\t").iloc[0]
        for folder in (killed, undisturbed)
    )
    assert undisturbed_taken["s_earlier"] == 0
    assert 0 < taken["s_earlier"] < taken["s"] < time.monotonic() - started
