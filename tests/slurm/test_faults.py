"""What goes wrong on a cluster: nothing hangs, nothing half-written counts, the second run finishes the same."""

import signal
import subprocess
import time

from cluster import text, wait_for
from submission import ClusterCheckout

CELL = "results/smoke/vgg16/seed-0/L1FilterPruner/0.5"
RESULT = f"{CELL}/result.json"
OTHER_RESULT = "results/smoke/resnet18/seed-0/L1FilterPruner/0.5/result.json"
ONCE = ("--retries", "0")


def running_job() -> str:
    """Id of the job that runs, once it does."""
    jobs = lambda: text("squeue", "--noheader", "--states=RUNNING", "--format=%i").split()
    wait_for(lambda: bool(jobs()), "a running job")
    return jobs()[0]


def state_of(job: str) -> str:
    return text("sacct", "-n", "-X", "-P", "-j", job, "-o", "state").strip()


def job_log(checkout: ClusterCheckout, job: str) -> str:
    (path,) = (checkout.folder / "logs/slurm").rglob(f"{job}.log")
    return path.read_text()


def assert_finishes_the_same(checkout: ClusterCheckout, local_run, *targets: str) -> None:
    """A second run ends well, with the documents of the local run."""
    process = checkout.start(*(targets or (RESULT,)), log="again.log")
    assert process.wait(timeout=200) == 0, checkout.said("again.log")
    for name in ("prune", "speedup", "count", "finetune", "result"):
        path = f"{CELL}/{name}.json"
        assert (checkout.folder / path).read_bytes() == (local_run.folder / path).read_bytes()


def test_a_failing_job_names_its_log_and_the_rest_goes_on(prepared, local_run):
    weights = prepared.folder / "results/smoke/resnet18/seed-0/baseline/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    process = prepared.start(RESULT, OTHER_RESULT, *ONCE)
    assert process.wait(timeout=200) == 1
    assert (prepared.folder / RESULT).exists()
    assert not (prepared.folder / OTHER_RESULT).exists()
    (log,) = (prepared.folder / "logs/slurm").rglob("*.log")
    assert str(log) in prepared.said()
    assert "error: results/smoke/resnet18/seed-0/baseline/model.safetensors: " in log.read_text()
    weights.write_bytes(whole)
    assert_finishes_the_same(prepared, local_run, RESULT, OTHER_RESULT)


def test_a_cancelled_job_counts_as_failed(prepared, local_run):
    process = prepared.start(RESULT, *ONCE)
    job = running_job()
    subprocess.run(["scancel", job], check=True)
    assert process.wait(timeout=100) == 1
    assert state_of(job).startswith("CANCELLED by")
    assert "CANCELLED" in job_log(prepared, job)
    assert_finishes_the_same(prepared, local_run)


def test_a_job_out_of_time_is_tried_again_with_more(prepared, local_run):
    process = prepared.start(RESULT)
    job = running_job()
    subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now+1"], check=True)
    assert process.wait(timeout=200) == 0, prepared.said()
    assert "DUE TO TIME LIMIT" in job_log(prepared, job)
    first, second = (
        text("sacct", "-n", "-X", "-P", "-j", j, "-o", "reqmem") for j in (job, str(int(job) + 1))
    )
    assert int(second.rstrip("M\n")) == 2 * int(first.rstrip("M\n"))
    assert_finishes_the_same(prepared, local_run)


def test_a_job_above_its_memory_is_ended(prepared, local_run):
    tight = [f"{rule}:mem_mb=250" for rule in ("prune", "speedup", "count", "finetune")]
    process = prepared.start(RESULT, *ONCE, "--set-resources", *tight)
    job = running_job()
    assert process.wait(timeout=100) == 1
    assert "exceeded memory limit" in job_log(prepared, job)
    assert_finishes_the_same(prepared, local_run)


def test_a_job_that_can_never_start_leaves_the_queue_at_its_deadline(prepared, local_run, cluster):
    subprocess.run(
        ["scontrol", "update", f"nodename={cluster.host}", "state=drain", "reason=test"], check=True
    )
    short = [f"{rule}:runtime=1" for rule in ("prune", "speedup", "count", "finetune")]
    try:
        process = prepared.start(
            RESULT, *ONCE, "--set-resources", *short,
            "--default-resources", "slurm_extra='--deadline=now+190seconds'",
        )  # fmt: skip
        assert process.wait(timeout=150) == 1, prepared.said()
    finally:
        subprocess.run(["scontrol", "update", f"nodename={cluster.host}", "state=resume"], check=True)
    assert "DEADLINE" in text("sacct", "-n", "-X", "-P", "-o", "state")
    assert_finishes_the_same(prepared, local_run)


def test_a_run_survives_a_controller_that_is_away_for_half_a_minute(prepared, local_run, cluster):
    process = prepared.start(RESULT, *ONCE)
    running_job()
    cluster.stop("slurmctld")
    time.sleep(30)
    cluster.start("slurmctld")
    assert process.wait(timeout=200) == 0, prepared.said()
    assert_finishes_the_same(prepared, local_run)


def test_a_job_goes_back_to_the_queue_when_its_node_dies(prepared, local_run, cluster):
    process = prepared.start(RESULT, *ONCE)
    job = running_job()
    cluster.stop("slurmd", signal.SIGKILL)
    subprocess.run(["pkill", "-KILL", "slurmstepd"], check=True)
    wait_for(lambda: "down" in text("sinfo", "-h", "-o", "%T"), "the node to count as down")
    wait_for(lambda: "PENDING" in text("squeue", "-h", "-j", job, "-o", "%T"), "the job in the queue again")
    cluster.start("slurmd")
    assert process.wait(timeout=300) == 0, prepared.said()
    assert_finishes_the_same(prepared, local_run)


def test_snakemake_killed_and_started_again_while_its_job_still_runs(prepared, local_run):
    process = prepared.start(RESULT)
    job = running_job()
    process.kill()
    process.wait()
    again = prepared.start(RESULT)
    assert again.wait(timeout=60) == 1
    assert "--unlock" in prepared.said()
    assert state_of(job) == "RUNNING"
    assert prepared.start("--unlock").wait(timeout=60) == 0
    assert_finishes_the_same(prepared, local_run)


def test_a_full_disk_is_one_clear_line(prepared, local_run):
    folder = prepared.folder / CELL
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        process = prepared.start(RESULT, *ONCE)
        assert process.wait(timeout=100) == 1
        (log,) = (prepared.folder / "logs/slurm").rglob("*.log")
        assert "error: No space left on device" in log.read_text()
        assert not list(folder.glob("*.json"))
        subprocess.run(["mount", "-o", "remount,size=100m", folder], check=True)
        assert_finishes_the_same(prepared, local_run)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_the_node_has_no_network(cluster):
    reach = "import socket; socket.create_connection(('1.1.1.1', 53), 2)"
    run = subprocess.run(["srun", "python3", "-c", reach], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in run.stderr


def test_what_a_killed_job_had_made_is_made_again(prepared, local_run):
    process = prepared.start(RESULT, *ONCE)
    job = running_job()
    wait_for(lambda: (prepared.folder / f"{CELL}/prune.json").exists(), "prune.json")
    subprocess.run(["scancel", "--signal=KILL", "--full", job], check=True)
    assert process.wait(timeout=100) == 1
    assert_finishes_the_same(prepared, local_run)
