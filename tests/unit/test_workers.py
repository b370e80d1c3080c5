"""Calls side by side in processes of one job."""

import multiprocessing
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from filterbench.jobs.workers import side_by_side
from filterbench.storage.journal import Journal
from filterbench.storage.stopwatch import Stopwatch


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order_from_as_many_processes(workers):
    def slow(number: int) -> tuple[int, int]:
        # The first ones take longest.
        time.sleep(0.05 * (4 - number))
        return number, os.getpid()

    results = list(side_by_side([partial(slow, number) for number in range(4)], workers))
    assert [number for number, _ in results] == [0, 1, 2, 3]
    processes = {process for _, process in results}
    assert len(processes) == workers
    assert (os.getpid() in processes) == (workers == 1)


def test_an_error_in_a_worker_is_the_jobs():
    def fail() -> None:
        raise MemoryError("too large")

    with pytest.raises(MemoryError, match="too large"):
        list(side_by_side([fail, fail], 2))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_workers_end_with_a_job_that_is_killed(tmp_path):
    def note_and_wait() -> None:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60)

    job = multiprocessing.get_context("fork").Process(
        target=lambda: list(side_by_side([note_and_wait] * 2, 2))
    )
    job.start()
    while len(workers := [int(path.name) for path in tmp_path.iterdir()]) < 2:
        time.sleep(0.01)
    os.kill(job.pid, signal.SIGKILL)
    job.join()
    _, left = psutil.wait_procs(
        [psutil.Process(pid) for pid in workers if psutil.pid_exists(pid)], timeout=10
    )
    assert not left


def test_a_candidate_that_comes_again_is_not_evaluated_again(tmp_path: Path):
    journal = Journal(tmp_path / "steps.jsonl", "key", 3, Stopwatch())
    scores = iter([0.5, 0.7])
    found = [journal.score({}, which, lambda: next(scores)) for which in (b"a", b"b", b"a", b"b")]
    assert found == [0.5, 0.7, 0.5, 0.7]
