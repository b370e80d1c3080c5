"""The smoke study on a real SLURM, with every pruner."""

import re

from submission import ClusterCheckout

RESULT = "results/smoke/{model}/seed-0/L1FilterPruner/0.5/result.json"
# Nine cells, three of them with a search of their own, two baselines and NetAdapt's trajectory.
JOBS = 9 + 3 + 2 + 1


def test_slurm_and_this_machine_write_the_same_documents(local_run, tmp_path):
    checkout = ClusterCheckout.fresh(tmp_path)
    # `auto` asks for a GPU; the stand-ins are none, and torch computes on the CPU.
    checkout.edit("studies/smoke.yaml", "device: cpu", "device: auto")
    assert checkout.start().wait(timeout=500) == 0, checkout.said()
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
    } | {"cell_count_finetune_speedup"}


def test_a_failing_cell_names_its_log_and_the_others_go_on(with_baselines, local_run):
    sound, faulty = RESULT.format(model="vgg16"), RESULT.format(model="resnet18")
    weights = with_baselines.folder / "results/smoke/resnet18/seed-0/baseline/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    process = with_baselines.start(sound, faulty, "--retries", "0")
    assert process.wait(timeout=300) == 1
    assert (with_baselines.folder / sound).exists()
    assert not (with_baselines.folder / faulty).exists()
    (log,) = (with_baselines.folder / "logs/slurm").rglob("*.log")
    assert str(log) in with_baselines.said()
    assert "error: results/smoke/resnet18/seed-0/baseline/model.safetensors: " in log.read_text()
    weights.write_bytes(whole)
    with_baselines.assert_finishes_like(local_run, faulty)
