"""Faults of a cluster: nothing hangs, nothing half-written counts, a second run finishes the same."""

import signal
import subprocess
import time

from cluster import text, wait_for
from submission import ClusterCheckout

# Most faults strike the same way wherever they strike: the shortest job will do.
BASELINE = "results/smoke/vgg16/seed-0/baseline/baseline.json"
ONCE = ("--retries", "0")


def working_job(checkout: ClusterCheckout) -> str:
    """Id of the job that trains the baseline, once the training has begun."""
    log = checkout.folder / "logs/smoke/vgg16/seed-0/train_baseline.log"
    wait_for(log.exists, "a job at work")
    return text("squeue", "--noheader", "--states=RUNNING", "--format=%i").split()[0]


def state_of(job: str) -> str:
    return text("sacct", "-n", "-X", "-P", "-j", job, "-o", "state").strip()


def job_log(checkout: ClusterCheckout, job: str) -> str:
    (path,) = (checkout.folder / "logs/slurm").rglob(f"{job}.log")
    return path.read_text()


def assert_finishes_the_same(checkout: ClusterCheckout, local_run, target: str = BASELINE) -> None:
    """A second run, on this machine, ends well and with the documents of an undisturbed one."""
    run = checkout.snakemake(target)
    assert run.returncode == 0, run.stdout
    expected = local_run.documents()
    assert {name: expected[name] for name in checkout.documents()} == checkout.documents()


def test_a_cancelled_job_counts_as_failed(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE)
    job = working_job(long_training)
    subprocess.run(["scancel", job], check=True)
    assert process.wait(timeout=100) == 1
    assert state_of(job).startswith("CANCELLED by")
    assert "CANCELLED" in job_log(long_training, job)
    assert_finishes_the_same(long_training, long_local_run)


def test_a_job_out_of_time_is_tried_again_with_more(long_training, long_local_run):
    process = long_training.start(BASELINE)
    job = working_job(long_training)
    # A job that hangs, so that it cannot end before SLURM looks at the clock, every half minute.
    scripts = f"{long_training.folder}/.snakemake/scripts"
    subprocess.run(["pkill", "-STOP", "-f", scripts], check=True)
    subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now+1"], check=True)
    assert process.wait(timeout=200) == 0, long_training.said()
    assert "DUE TO TIME LIMIT" in job_log(long_training, job)
    memory = [text("sacct", "-n", "-X", "-P", "-j", j, "-o", "reqmem") for j in (job, str(int(job) + 1))]
    assert [value.strip() for value in memory] == ["6000M", "12000M"]
    assert long_training.documents() == long_local_run.documents()


def test_a_job_above_its_memory_is_ended(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE, "--set-resources", "train_baseline:mem_mb=250")
    assert process.wait(timeout=100) == 1
    (log,) = (long_training.folder / "logs/slurm").rglob("*.log")
    assert "exceeded memory limit" in log.read_text()
    assert_finishes_the_same(long_training, long_local_run)


def test_a_run_survives_a_controller_that_is_away_for_half_a_minute(long_training, long_local_run, cluster):
    process = long_training.start(BASELINE, *ONCE)
    working_job(long_training)
    cluster.stop("slurmctld")
    time.sleep(30)
    assert process.poll() is None
    cluster.start("slurmctld")
    assert process.wait(timeout=200) == 0, long_training.said()
    assert_finishes_the_same(long_training, long_local_run)


def test_when_the_node_dies_its_job_is_queued_again_and_no_other_waits_for_ever(
    long_training, long_local_run, cluster, tmp_path_factory
):
    waiting = long_training.copy(tmp_path_factory.mktemp("waiting"))
    process = long_training.start(BASELINE, *ONCE)
    job = working_job(long_training)
    cluster.stop("slurmd", signal.SIGKILL)
    subprocess.run(["pkill", "-KILL", "slurmstepd"], check=True)

    means = ("train_baseline:runtime=1", "train_baseline:slurm_extra='--deadline=now+70seconds'")
    hopeless = waiting.start(BASELINE, *ONCE, "--set-resources", *means)
    assert hopeless.wait(timeout=200) == 1, waiting.said()
    assert "DEADLINE" in text("sacct", "-n", "-X", "-P", "-o", "state")

    wait_for(lambda: "PENDING" in text("squeue", "-h", "-j", job, "-o", "%T"), "the job in the queue again")
    cluster.start("slurmd")
    # SLURM would wait two minutes before it starts the job again.
    subprocess.run(["scontrol", "update", f"jobid={job}", "StartTime=now"], check=True)
    assert process.wait(timeout=300) == 0, long_training.said()
    assert_finishes_the_same(long_training, long_local_run)


def test_snakemake_killed_and_started_again_while_its_job_still_runs(long_training, long_local_run):
    process = long_training.start(BASELINE)
    job = working_job(long_training)
    process.kill()
    process.wait()
    assert long_training.start(BASELINE).wait(timeout=60) == 1
    assert "--unlock" in long_training.said()
    assert long_training.start("--unlock").wait(timeout=60) == 0
    assert state_of(job) == "RUNNING"
    run = long_training.snakemake(BASELINE)
    assert run.returncode == 0, run.stdout
    assert "another process makes" in run.stdout
    assert long_training.documents() == long_local_run.documents()


def test_a_full_disk_is_one_clear_line(long_training, long_local_run):
    folder = (long_training.folder / BASELINE).parent
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        process = long_training.start(BASELINE, *ONCE)
        assert process.wait(timeout=100) == 1
        (log,) = (long_training.folder / "logs/slurm").rglob("*.log")
        assert "error: No space left on device" in log.read_text()
        assert not list(folder.glob("*.json"))
        subprocess.run(["mount", "-o", "remount,size=100m", folder], check=True)
        assert_finishes_the_same(long_training, long_local_run)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_the_node_has_no_network(cluster):
    reach = "import socket; socket.create_connection(('1.1.1.1', 53), 2)"
    run = subprocess.run(["srun", "python3", "-c", reach], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in run.stderr
