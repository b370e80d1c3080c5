"""A site whose SLURM keeps no account of its jobs: the queue alone says what became of them."""

import subprocess

from cluster import text, wait_for

ACCOUNTING = False
BASELINE = "results/smoke/vgg16/seed-0/baseline/baseline.json"


def test_a_cancelled_job_is_noticed_and_a_sound_one_ends_well(long_training, long_local_run):
    process = long_training.start(BASELINE, "--retries", "1")
    running = ("squeue", "--noheader", "--states=RUNNING", "--format=%i")
    wait_for(lambda: bool(text(*running)), "a running job")
    subprocess.run(["scancel", text(*running).strip()], check=True)
    assert process.wait(timeout=200) == 0, long_training.said()
    assert "Trying to restart job" in long_training.said()
    assert long_training.documents() == long_local_run.documents()
