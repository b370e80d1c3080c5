"""The smoke study on a real SLURM, with every pruner."""

from cluster import text
from submission import ClusterCheckout

# Nine cells, two of them with a search of their own, two baselines and NetAdapt's trajectory.
JOBS = {"group_cell": 9, "rule_prune": 3, "rule_train_baseline": 2, "rule_trajectory": 1}


def test_slurm_and_this_machine_write_the_same_documents(cluster, local_run, tmp_path):
    checkout = ClusterCheckout.fresh(tmp_path)
    # `auto` asks for a GPU; the stand-ins are none, and torch computes on the CPU.
    checkout.edit("studies/smoke.yaml", "device: cpu", "device: auto")
    assert checkout.start().wait(timeout=400) == 0, checkout.said()
    assert checkout.documents() == local_run.documents()

    records = text("sacct", "-n", "-X", "-P", "-o", "comment,state,alloctres").splitlines()
    assert len(records) == sum(JOBS.values())
    for record in records:
        comment, state, means = record.split("|")
        assert state == "COMPLETED"
        assert "gres/gpu=1" in means, comment
    for rule in ("prepare_data", "result", "compare", "plot", "validate"):
        assert not any(f"rule_{rule}_" in record for record in records)
