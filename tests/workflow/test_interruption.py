"""A search whose process is killed again and again ends with the same documents."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from filterbench.jobs import Job
from filterbench.pruners import arguments_of
from filterbench.stages.train_baseline import train_baseline

WORKFLOW = Path(__file__).parents[2] / "workflow"
KILLS = 10
CELL = {
    "study": "interruption",
    "dataset": "digits",
    "protocol": "validation",
    "model": "vgg16",
    "width": 0.0625,
    "seed": 0,
}
TRAINING = {
    "epochs": 1,
    "batch_size": 64,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "schedule": "one-cycle",
    "augment": False,
}
RUN = """
import json, sys
from pathlib import Path
from filterbench.jobs import Job
from filterbench.stages.trajectory import trajectory
job = json.loads(sys.argv[1])
paths = lambda named: {name: Path(path) for name, path in named.items()}
trajectory(Job(paths(job["inputs"]), paths(job["outputs"]), job["params"]))
"""


@pytest.fixture
def baseline(digits_file, tmp_path) -> Path:
    weights = tmp_path / "model.safetensors"
    train_baseline(
        Job(
            {"images": digits_file},
            {"weights": weights, "document": tmp_path / "baseline.json"},
            {"cell": CELL, "limits": {"train": 256}, "device": "cpu", "training": TRAINING},
        )
    )
    return weights


def start(digits_file: Path, baseline: Path, folder: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    changes = {"sparsity_per_iteration": 0.05, "short_term_steps": 4, "short_term_learning_rate": 0.01}
    job = {
        "inputs": {"images": str(digits_file), "weights": str(baseline)},
        "outputs": {
            "weights": str(folder / "trajectory.safetensors"),
            "document": str(folder / "trajectory.json"),
            "search": str(folder / "trajectory.csv"),
        },
        "params": {
            "cell": CELL,
            "limits": {"train": 256},
            "device": "cpu",
            "arguments": arguments_of("NetAdaptPruner", changes),
            "search": {"net": "compact", "batch_size": 64, "augment": True},
            "targets": [0.2, 0.4, 0.6],
        },
    }
    return subprocess.Popen([sys.executable, "-c", RUN, json.dumps(job)], cwd=WORKFLOW)


def recorded(journal: Path) -> int:
    """Lines of a search's journal."""
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def test_a_search_killed_at_random_moments_ends_with_the_same_documents(digits_file, baseline, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert start(digits_file, baseline, undisturbed).wait() == 0
    dice = random.Random(0)
    journal = killed / ".trajectory.search/net-adapt.jsonl"
    for _ in range(KILLS):
        process = start(digits_file, baseline, killed)
        enough = recorded(journal) + dice.randint(1, 9)
        while recorded(journal) < enough:
            assert process.poll() is None, "the search ended before it could be killed"
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.3))
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert start(digits_file, baseline, killed).wait() == 0
    for name in ("trajectory.json", "trajectory.safetensors"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not (killed / ".trajectory.search").exists()
