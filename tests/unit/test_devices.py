"""Jobs side by side take different GPUs; names stand in for the devices, processes and locks are real."""

import subprocess
import sys
from pathlib import Path

import pytest

from filterbench.jobs.devices import count_gpus, visible_gpus

CLAIM = """
import sys
from filterbench.jobs.devices import own_gpu
print(own_gpu(), flush=True)
sys.stdin.read()
"""


def add_driver(monkeypatch, folder: Path) -> None:
    """A driver of two GPUs, one of them divided."""
    listing = folder / "nvidia-smi"
    listing.write_text(
        "#!/bin/sh\n"
        "echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)'\n"
        "echo '  MIG 3g.40gb     Device  0: (UUID: MIG-1)'\n"
        "echo '  MIG 3g.40gb     Device  1: (UUID: MIG-GPU-1/2/0)'\n"
        "echo 'GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)'\n"
    )
    listing.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    add_driver(monkeypatch, tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a, GPU-b")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", "workflow")


def claiming() -> subprocess.Popen:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    )


def test_the_gpus_are_those_that_the_process_may_use(two_gpus, monkeypatch):
    assert visible_gpus() == ["GPU-a", "GPU-b"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert count_gpus() == 0


def test_two_jobs_take_two_gpus_and_a_third_waits_for_one(two_gpus):
    first, second = claiming(), claiming()
    taken = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert taken == {"0", "1"}
    third = claiming()
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=3)
    second.kill()
    assert third.stdout.readline().strip() in taken
    for job in (first, third):
        job.communicate("")
        assert job.returncode == 0


def test_a_job_that_was_granted_one_gpu_shares_nothing(two_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    jobs = claiming(), claiming()
    assert [job.stdout.readline().strip() for job in jobs] == ["0", "0"]
    for job in jobs:
        job.communicate("")


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["0", "1"]),
        ("1", ["1"]),
        ("-1", []),
        ("0,-1,1", ["0"]),
        ("NoDevFiles", []),
        ("0,2,1", ["0"]),
        ("MIG-1, GPU-2", ["MIG-1", "GPU-2"]),
        ("", []),
    ],
)
def test_what_is_no_gpu_is_not_counted(visible, expected, monkeypatch, tmp_path):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    add_driver(monkeypatch, tmp_path)
    assert visible_gpus() == expected


@pytest.mark.parametrize("visible", ["NoDevFiles", "0", "GPU-a"])
def test_without_a_driver_no_gpu_is_named(visible, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
