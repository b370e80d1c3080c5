"""Faults of a job: nothing hangs, nothing half-written counts, a second run finishes the same."""

import subprocess

from cluster import text
from submission import BASELINE, ONCE


def test_a_cancelled_job_counts_as_failed(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE)
    subprocess.run(["scancel", long_training.working_job()], check=True)
    assert process.wait(timeout=200) == 1
    (state,) = long_training.jobs("state")
    assert state.startswith("CANCELLED by")
    assert "CANCELLED" in long_training.job_log()
    long_training.assert_finishes_like(long_local_run)


def test_a_job_out_of_time_is_tried_again_with_more(long_training, long_local_run):
    process = long_training.start(BASELINE)
    job = long_training.working_job()
    # A job that hangs, so that it cannot end before SLURM looks at the clock, every half minute.
    scripts = f"{long_training.folder}/.snakemake/scripts"
    subprocess.run(["pkill", "-STOP", "-f", scripts], check=True)
    subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now+1"], check=True)
    assert process.wait(timeout=300) == 0, long_training.said()
    assert "DUE TO TIME LIMIT" in long_training.job_log()
    assert long_training.jobs("reqmem") == ["6000M", "12000M"]
    assert long_training.documents() == long_local_run.documents()


def test_a_job_above_its_memory_is_ended(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE, "--set-resources", "train_baseline:mem_mb=250")
    assert process.wait(timeout=200) == 1
    assert "exceeded memory limit" in long_training.job_log()
    long_training.assert_finishes_like(long_local_run)


def test_snakemake_killed_and_started_again_while_its_job_still_runs(long_training, long_local_run):
    process = long_training.start(BASELINE)
    job = long_training.working_job()
    process.kill()
    process.wait()
    # The training must not end before the second run is at it.
    scripts = f"{long_training.folder}/.snakemake/scripts"
    subprocess.run(["pkill", "-STOP", "-f", scripts], check=True)
    assert long_training.start(BASELINE).wait(timeout=120) == 1
    assert "--unlock" in long_training.said()
    assert long_training.start("--unlock").wait(timeout=120) == 0
    assert text("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING"
    second = long_training.start_here(BASELINE)
    long_training.wait_until_said("another process makes")
    subprocess.run(["pkill", "-CONT", "-f", scripts], check=True)
    assert second.wait(timeout=200) == 0, long_training.said()
    assert long_training.documents() == long_local_run.documents()


def test_a_full_disk_is_one_clear_line(long_training, long_local_run):
    folder = (long_training.folder / BASELINE).parent
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        process = long_training.start(BASELINE, *ONCE)
        assert process.wait(timeout=200) == 1
        assert "error: No space left on device" in long_training.job_log()
        assert not list(folder.glob("*.json"))
        subprocess.run(["mount", "-o", "remount,size=100m", folder], check=True)
        long_training.assert_finishes_like(long_local_run)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_the_node_has_no_network():
    reach = "import socket; socket.create_connection(('1.1.1.1', 53), 2)"
    run = subprocess.run(["srun", "python3", "-c", reach], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in run.stderr
