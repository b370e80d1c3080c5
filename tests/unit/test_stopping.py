"""A run that is told to end by a signal, at whatever moment."""

import subprocess
import sys

import pytest
from checkout import REPOSITORY

# Snakemake's scheduler, signalled while its main thread holds a lock, as when it records a job's end.
SIGNALLED = """
import os, signal, threading, time
from snakemake.scheduling.job_scheduler import JobScheduler
from filterbench.orchestration.stopping import stop_in_a_thread

scheduler = object.__new__(JobScheduler)
scheduler._lock, scheduler._open_jobs, scheduler._user_kill = threading.Lock(), threading.Semaphore(0), None
signal.signal(signal.SIGTERM, scheduler.exit_gracefully)
stop_in_a_thread(scheduler)
with {lock}:
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
for _ in range(2):
    assert scheduler._open_jobs.acquire(timeout=10)
print(scheduler._user_kill)
"""


@pytest.mark.parametrize("lock", ["scheduler._lock", "scheduler._open_jobs._cond"])
def test_a_signal_stops_a_run_that_is_recording_a_jobs_end(lock):
    code = SIGNALLED.format(lock=lock)
    path = {"PYTHONPATH": str(REPOSITORY / "workflow")}
    run = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, timeout=60)
    assert run.stdout == "graceful\n", run.stderr
