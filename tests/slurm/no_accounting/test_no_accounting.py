"""A site whose SLURM keeps no account of its jobs: the queue alone says what became of them."""

import subprocess

from submission import BASELINE


def test_a_cancelled_job_is_noticed_and_a_sound_one_ends_well(long_training, long_local_run):
    process = long_training.start(BASELINE, "--retries", "1")
    subprocess.run(["scancel", long_training.working_job()], check=True)
    assert process.wait(timeout=200) == 0, long_training.said()
    assert "Trying to restart job" in long_training.said()
    assert long_training.documents() == long_local_run.documents()
