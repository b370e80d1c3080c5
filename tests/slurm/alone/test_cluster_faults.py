"""Faults of the cluster itself, which every job on it feels."""

import signal
import subprocess
import time

from cluster import start, stop, text, wait_for
from submission import BASELINE, ONCE


def test_a_run_survives_a_controller_that_is_away_for_half_a_minute(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE)
    long_training.working_job()
    stop("slurmctld")
    time.sleep(30)
    assert process.poll() is None
    start("slurmctld")
    assert process.wait(timeout=200) == 0, long_training.said()
    long_training.assert_finishes_like(long_local_run)


def test_when_the_node_dies_its_job_is_queued_again_and_no_other_waits_for_ever(
    long_training, long_local_run, tmp_path_factory
):
    waiting_for_ever = long_training.copy(tmp_path_factory.mktemp("waiting"))
    process = long_training.start(BASELINE, *ONCE)
    job = long_training.working_job()
    stop("slurmd", signal.SIGKILL)
    subprocess.run(["pkill", "-KILL", "slurmstepd"], check=True)

    means = ("train_baseline:runtime=1", "train_baseline:slurm_extra='--deadline=now+70seconds'")
    hopeless = waiting_for_ever.start(BASELINE, *ONCE, "--set-resources", *means)
    assert hopeless.wait(timeout=300) == 1, waiting_for_ever.said()
    assert waiting_for_ever.jobs("state") == ["DEADLINE"]

    waiting = ("squeue", "-h", "-j", job, "-o", "%T")
    wait_for(lambda: "PENDING" in text(*waiting), "the job in the queue again")
    start("slurmd")
    # SLURM would wait two minutes before it starts the job again.
    subprocess.run(["scontrol", "update", f"jobid={job}", "StartTime=now"], check=True)
    assert process.wait(timeout=300) == 0, long_training.said()
    long_training.assert_finishes_like(long_local_run)
