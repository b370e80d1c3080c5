"""SLURM and this machine alone make the same of the smoke study, with every pruner."""

import re
import subprocess

from submission import PATIENCE, ClusterCheckout

# Nine cells, three of them with a search of their own, two baselines with their fine-tunings, one trajectory.
JOBS = 9 + 3 + 2 * 2 + 1


def test_slurm_and_this_machine_write_the_same_documents(local_run, tmp_path):
    checkout = ClusterCheckout.fresh(tmp_path)
    # `auto` asks for a GPU; the stand-ins are none, and torch computes on the CPU.
    checkout.edit("studies/smoke.yaml", "device: cpu", "device: auto")
    assert checkout.start().wait(timeout=PATIENCE) == 0, checkout.said()
    assert checkout.documents() == local_run.documents()

    jobs = checkout.jobs("state,alloctres")
    assert len(jobs) == JOBS
    for job in jobs:
        assert job.startswith("COMPLETED|")
        assert "gres/gpu=1" in job
    submitted = re.findall(r"logs/slurm/(?:rule|group)_(\w+)", checkout.said())
    assert set(submitted) == {
        "train_baseline",
        "trajectory",
        "prune",
        "cell_count_finetune_prune_speedup",
    } | {"cell_count_finetune_speedup", "cell_finetune_unpruned"}


def test_the_nodes_have_no_network():
    reach = "import socket; socket.create_connection(('1.1.1.1', 53), 2)"
    run = subprocess.run(["srun", "python3", "-c", reach], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in run.stderr
