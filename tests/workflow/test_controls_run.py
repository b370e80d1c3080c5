"""What a study's controls add to its jobs."""

from checkout import Checkout

MATCHED = ("RandomAllocationPruner", "UniformAllocationPruner")


def test_one_line_switches_a_control_on(checkout: Checkout):
    before = checkout.planned("comparisons")
    assert "scratch" not in before
    lines = "".join(f"  {control}: {{}}\n" for control in MATCHED)
    checkout.edit("studies/smoke.yaml", "search:\n", f"{lines}scratch: [finetune, baseline]\nsearch:\n")
    after = checkout.planned("comparisons")
    # The annealing has one cell, of VGG16 alone.
    assert after["prune"] == before["prune"] + len(MATCHED)
    assert after["scratch"] == 2 * after["prune"]
    cell = "results/smoke/vgg16/seed-0/UniformAllocationPruner/0.5/prune.json"
    assert checkout.planned(cell) == {
        "prepare_data": 1,
        "train_baseline": 1,
        "prune": 2,
        "speedup": 1,
        "count": 1,
    }
