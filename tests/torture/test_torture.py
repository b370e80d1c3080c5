"""The smoke study under whatever can happen to it: the documents and weights at the end are the same.

`make torture` does it at length; FILTERBENCH_KILLS says how often the whole process tree is killed.
"""

import os
import random
import shutil
import subprocess
import time
from contextlib import suppress

import psutil
import pytest
from checkout import Checkout

from filterbench.study.paths import MANIFEST

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("FILTERBENCH_KILLS", "3"))
# Seconds until a kill, drawn anew each time.
LONGEST = 20.0
TOGETHER = "results/smoke"
LACKING = f"{TOGETHER}/resnet18/seed-0/L1FilterPruner"


def made(checkout: Checkout) -> dict[str, bytes]:
    """Every document and all weights of the study, by path; its manifest lists files with times, too."""
    folder = checkout.folder / TOGETHER
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".json", ".safetensors", ".correct") and path.name != MANIFEST
    }


def tree_of(process: subprocess.Popen) -> list[psutil.Process]:
    """A process and all that it started."""
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def kill_tree(process: subprocess.Popen) -> None:
    """End a process and all that it started, none of which can defend itself."""
    for each in tree_of(process):
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()


def start(checkout: Checkout) -> subprocess.Popen:
    # Its lock outlives a killed process, as docs/searching.md says.
    command = ["snakemake", "--cores", "2", "--nolock", "--configfile", "studies/smoke.yaml"]
    with (checkout.folder / "run.log").open("a") as log:
        return subprocess.Popen(command, cwd=checkout.folder, stdout=log, stderr=subprocess.STDOUT)


def test_killed_again_and_again(finished, tmp_path):
    dice = random.Random(KILLS)
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        checkout = Checkout.fresh(tmp_path / str(rounds))
        ended = False
        while kills < KILLS and not ended:
            process = start(checkout)
            try:
                ended = process.wait(timeout=dice.uniform(0.5, LONGEST)) == 0
                assert ended, (checkout.folder / "run.log").read_text()[-3000:]
            except subprocess.TimeoutExpired:
                kill_tree(process)
                kills += 1
        assert checkout.snakemake("--unlock").returncode == 0
        run = checkout.snakemake()
        assert run.returncode == 0, run.stdout
        assert made(checkout) == made(finished)
        shutil.rmtree(checkout.folder)
    print(f"{kills} kills, {rounds} studies to the end")


@pytest.fixture
def half(finished, tmp_path) -> Checkout:
    """A study of which one pruner's cells are still to be made."""
    checkout = finished.copy(tmp_path / "half")
    shutil.rmtree(checkout.folder / LACKING)
    return checkout


def test_stopped_and_continued(half, finished):
    """Now the whole tree stands still for a while, now one process of it."""
    dice = random.Random(0)
    process = start(half)
    stops = 0
    while process.poll() is None:
        time.sleep(dice.uniform(0.2, 2))
        tree = tree_of(process)
        stopped = dice.choice([tree, [dice.choice(tree)]])
        for each in stopped:
            with suppress(psutil.NoSuchProcess):
                each.suspend()
        time.sleep(dice.uniform(0.2, 2))
        for each in stopped:
            with suppress(psutil.NoSuchProcess):
                each.resume()
        stops += 1
    print(f"{stops} stops")
    assert process.returncode == 0, (half.folder / "run.log").read_text()[-3000:]
    assert made(half) == made(finished)


def test_a_killed_warm_parent_ends_its_jobs_and_the_next_run_ends_well(half, finished):
    process = start(half)
    parents: list[psutil.Process] = []
    while not parents:
        assert process.poll() is None, (half.folder / "run.log").read_text()[-3000:]
        time.sleep(0.1)
        parents = [each for each in tree_of(process) if is_warm_parent_at_work(each)]
    parents[0].kill()
    assert process.wait() == 1
    assert "SIGKILL" in (half.folder / "run.log").read_text()
    assert half.snakemake("--unlock").returncode == 0
    assert half.snakemake().returncode == 0
    assert made(half) == made(finished)


def is_warm_parent_at_work(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "filterbench.jobs.warm_parent" in process.cmdline() and bool(process.children())
    return False


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
@pytest.mark.parametrize(
    ("options", "said"),
    [("size=64k", "No space left on device"), ("ro,size=64k", "Read-only file system")],
    ids=["a full disk", "a folder that is read-only"],
)
def test_a_disk_that_takes_nothing_more(options, said, half, finished):
    folder = half.folder / LACKING
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        run = half.snakemake()
        assert run.returncode == 1
        assert said in run.stdout
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    assert half.snakemake().returncode == 0
    assert made(half) == made(finished)


def test_a_clock_that_jumps(half, finished):
    """Files from tomorrow, which Snakemake refuses by name, and from the year 2000 beside those of today."""
    dice = random.Random(0)
    files = [path for path in (half.folder / TOGETHER).rglob("*") if path.is_file()]
    chosen = dice.sample(files, len(files) // 3)
    for number, path in enumerate(chosen):
        moment = time.time() + 86_400 if number % 2 else 946_684_800
        os.utime(path, (moment, moment))
    run = half.snakemake()
    assert run.returncode == 1
    assert "clock skew" in run.stdout
    for path in chosen[1::2]:
        if path.exists():
            path.touch()
    assert half.snakemake().returncode == 0
    assert made(half) == made(finished)
