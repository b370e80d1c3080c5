"""The controller goes away: every job on the cluster feels it."""

import time

from cluster import start_controller, stop
from submission import BASELINE, ONCE, PATIENCE, on


def test_runs_survive_a_controller_that_is_away(alone_on_the_cluster, request, tmp_path_factory):
    with alone_on_the_cluster:
        long_training = request.getfixturevalue("long_training")
        starting = long_training.copy(tmp_path_factory.mktemp("starting"))
        working = long_training.start(BASELINE, *ONCE, *on("spare"))
        long_training.working_job()
        stop("slurmctld")
        submitting = starting.start(BASELINE, *ONCE)
        # Longer than all that a run asks SLURM before it submits, and than sbatch itself tries.
        time.sleep(45)
        assert working.poll() is None
        assert submitting.poll() is None, starting.said()
        start_controller()
    for process, checkout in ((working, long_training), (submitting, starting)):
        assert process.wait(timeout=PATIENCE) == 0, checkout.said()
        checkout.assert_finishes_like(request.getfixturevalue("long_local_run"))
