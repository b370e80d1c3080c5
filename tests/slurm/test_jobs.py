"""Faults of a job: nothing hangs, nothing half-written counts, a second run finishes the same."""

import subprocess
from pathlib import Path

from cluster import ETC, kill_all_on, start_node, text, wait_for
from submission import BASELINE, ONCE, PATIENCE, on

RESULT = "results/smoke/{model}/seed-0/L1FilterPruner/0.5/result.json"
PATH = "results/smoke/vgg16/seed-0/NetAdaptPruner/sparsity/trajectory.json"


def test_when_the_node_dies_its_job_is_queued_again_and_no_other_waits_for_ever(
    long_training, long_local_run, tmp_path_factory
):
    waiting_for_ever = long_training.copy(tmp_path_factory.mktemp("waiting"))
    process = long_training.start(BASELINE, *ONCE, *on("frail"))
    job = long_training.working_job()
    kill_all_on("frail")

    means = ("train_baseline:runtime=1", "train_baseline:slurm_extra='--deadline=now+70seconds'")
    hopeless = waiting_for_ever.start(BASELINE, *ONCE, *on("frail"), *means)
    assert hopeless.wait(timeout=PATIENCE) == 1, waiting_for_ever.said()
    assert waiting_for_ever.jobs("state") == ["DEADLINE"]

    waiting = ("squeue", "-h", "-j", job, "-o", "%T")
    wait_for(lambda: "PENDING" in text(*waiting), "the job in the queue again")
    # SLURM would wait two minutes before it starts the job again.
    subprocess.run(["scontrol", "update", f"jobid={job}", "StartTime=now"], check=True)
    start_node("frail")
    assert process.wait(timeout=PATIENCE) == 0, long_training.said()
    long_training.assert_finishes_like(long_local_run)


def test_a_full_disk_is_one_clear_line(long_training, long_local_run):
    folder = (long_training.folder / BASELINE).parent
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        process = long_training.start(BASELINE, *ONCE)
        assert process.wait(timeout=PATIENCE) == 1
        assert "error: No space left on device" in long_training.job_log()
        assert not list(folder.glob("*.json"))
        subprocess.run(["mount", "-o", "remount,size=100m", folder], check=True)
        long_training.assert_finishes_like(long_local_run)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_without_accounting_a_cancelled_job_is_noticed_and_a_sound_one_ends_well(
    long_training, long_local_run, monkeypatch
):
    # What a user's commands read on a site that keeps no account of its jobs: sacct has nobody to ask.
    settings = (ETC / "slurm.conf").read_text()
    site = long_training.folder / "slurm.conf"
    site.write_text(settings.replace("accounting_storage/slurmdbd", "accounting_storage/none"))
    monkeypatch.setenv("SLURM_CONF", str(site))
    assert "disabled" in subprocess.run(["sacct"], capture_output=True, text=True, check=False).stderr

    process = long_training.start(BASELINE, "--retries", "1")
    subprocess.run(["scancel", long_training.working_job()], check=True)
    assert process.wait(timeout=PATIENCE) == 0, long_training.said()
    assert "Trying to restart job" in long_training.said()
    assert long_training.documents() == long_local_run.documents()


def test_a_job_out_of_time_is_tried_again_with_more(long_training, long_local_run):
    process = long_training.start(BASELINE)
    job = long_training.working_job()
    # A job that hangs, so that it cannot end before SLURM looks at the clock, every half minute.
    scripts = f"{long_training.folder}/.snakemake/scripts"
    subprocess.run(["pkill", "-STOP", "-f", scripts], check=True)
    subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now+1"], check=True)
    assert process.wait(timeout=PATIENCE) == 0, long_training.said()
    assert "DUE TO TIME LIMIT" in long_training.job_log()
    assert long_training.jobs("reqmem") == ["6000M", "12000M"]
    assert long_training.documents() == long_local_run.documents()


def test_a_search_out_of_time_resumes_after_its_last_step(with_baselines, local_run):
    process = with_baselines.start(PATH)
    state = (with_baselines.folder / PATH).with_name(".trajectory.search")
    wait_for(lambda: any(steps(file) > 1 for file in state.glob("*.jsonl")), "a search at work", PATIENCE)
    (job,) = text("squeue", "-h", "--states=RUNNING", "-o", "%i").split()
    scripts = f"{with_baselines.folder}/.snakemake/scripts"
    subprocess.run(["pkill", "-STOP", "-f", scripts], check=True)
    subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now+1"], check=True)
    assert process.wait(timeout=PATIENCE) == 0, with_baselines.said()
    assert "DUE TO TIME LIMIT" in with_baselines.job_log()
    assert any("resumed after step" in log.read_text() for log in with_baselines.folder.rglob("*.log"))
    with_baselines.assert_finishes_like(local_run, PATH)


def steps(journal: Path) -> int:
    """Steps of a search that are on disk; the first line has its key."""
    return len(journal.read_text().splitlines()) - 1


def test_a_drained_node_ends_its_job_and_gets_the_next_one_when_it_is_back(
    long_training, long_local_run, tmp_path_factory
):
    waiting = long_training.copy(tmp_path_factory.mktemp("waiting"))
    working = long_training.start(BASELINE, *ONCE, *on("spare"))
    long_training.working_job()
    drain = ("scontrol", "update", "nodename=spare", "reason=test")
    subprocess.run([*drain, "state=drain"], check=True)
    try:
        next_one = waiting.start(BASELINE, *ONCE, *on("spare"))
        assert working.wait(timeout=PATIENCE) == 0, long_training.said()
        waiting.wait_until_said("has been submitted")
        assert waiting.jobs("state") == ["PENDING"]
        assert next_one.poll() is None, waiting.said()
    finally:
        subprocess.run([*drain[:3], "state=resume"], check=True)
    assert next_one.wait(timeout=PATIENCE) == 0, waiting.said()
    for checkout in (long_training, waiting):
        assert checkout.documents() == long_local_run.documents()


def test_a_failing_cell_names_its_log_and_the_others_go_on(with_baselines, local_run):
    sound, faulty = RESULT.format(model="vgg16"), RESULT.format(model="resnet18")
    weights = with_baselines.folder / "results/smoke/resnet18/seed-0/baseline/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    process = with_baselines.start(sound, faulty, *ONCE)
    assert process.wait(timeout=PATIENCE) == 1
    assert (with_baselines.folder / sound).exists()
    assert not (with_baselines.folder / faulty).exists()
    (log,) = (with_baselines.folder / "logs/slurm").rglob("*.log")
    assert str(log) in with_baselines.said()
    assert "error: results/smoke/resnet18/seed-0/baseline/model.safetensors: " in log.read_text()
    weights.write_bytes(whole)
    with_baselines.assert_finishes_like(local_run, faulty)


def test_a_cancelled_job_counts_as_failed(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE)
    subprocess.run(["scancel", long_training.working_job()], check=True)
    assert process.wait(timeout=PATIENCE) == 1
    (state,) = long_training.jobs("state")
    assert state.startswith("CANCELLED by")
    assert "CANCELLED" in long_training.job_log()
    long_training.assert_finishes_like(long_local_run)


def test_a_job_above_its_memory_is_ended(long_training, long_local_run):
    process = long_training.start(BASELINE, *ONCE, "--set-resources", "train_baseline:mem_mb=250")
    assert process.wait(timeout=PATIENCE) == 1
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
    assert long_training.start(BASELINE).wait(timeout=PATIENCE) == 1
    assert "--unlock" in long_training.said()
    assert long_training.start("--unlock").wait(timeout=PATIENCE) == 0
    assert text("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING"
    second = long_training.start_here(BASELINE)
    long_training.wait_until_said("another process makes")
    subprocess.run(["pkill", "-CONT", "-f", scripts], check=True)
    assert second.wait(timeout=PATIENCE) == 0, long_training.said()
    assert long_training.documents() == long_local_run.documents()
