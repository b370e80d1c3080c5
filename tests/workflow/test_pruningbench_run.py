"""PruningBench's study from end to end, on few images in CIFAR-100's own format and with narrow nets."""

import pandas as pd
import pytest
from checkout import Checkout
from cifar_files import write_cifar
from torchvision.datasets import CIFAR100

STUDY = "studies/pruningbench_cifar100.yaml"
CLASSES = 100
TRAINING = "epochs: 1, batch_size: 128, learning_rate: 0.01, momentum: 0.9, weight_decay: 0.0005"
# What makes the study small; its pruners stay.
REDUCED = (
    "models={resnet18: {width: 0.0625}, resnet50: {width: 0.0625}, vgg19_one_linear: {width: 0.0625}}",
    "budgets={flops: [0.5]}",
    "seeds=[0]",
    # A curve begins at the unpruned net then, so that one cell is enough to judge points by it.
    "finetune_unpruned=true",
    "device=cpu",
    *(f"{name}={{{TRAINING}, schedule: multistep, augment: false}}" for name in ("baseline", "finetune")),
)


@pytest.fixture
def small(checkout, tmp_path) -> Checkout:
    """A checkout that takes such files for CIFAR-100's: torchvision compares their MD5."""
    digests = write_cifar(tmp_path / "images", CIFAR100, CLASSES, images=1000)
    lines = [f'CIFAR100.{name}_list = [["{name}", "{digests[name]}"]]' for name in ("train", "test")]
    lines.append(f'CIFAR100.meta = {{**CIFAR100.meta, "md5": "{digests["meta"]}"}}')
    checkout.edit(STUDY, "strength: 0.0005, epochs: 100", "strength: 0.0005, epochs: 1")
    checkout.edit("workflow/filterbench/data/cifar.py", "__all__ = [", "\n".join([*lines, "__all__ = ["]))
    return checkout


@pytest.mark.slow
def test_the_study_runs_on_cifar_100s_format(small):
    dataset = f"dataset={{name: cifar100, folder: {small.folder / 'images'}}}"
    run = small.snakemake("all", "validate", "--config", dataset, *REDUCED, study=STUDY)
    assert run.returncode == 0, run.stdout
    results = small.folder / "results/pruningbench_cifar100"
    tables = [pd.read_csv(path) for path in sorted(results.glob("*/comparison.csv"))]
    cells = pd.concat(tables)
    assert len(cells) == 33
    assert cells["infeasible"].isna().all()
    # A hundred classes have a top-5 accuracy, too.
    assert (cells["top5_finetuned"] >= cells["performance_finetuned"]).all()
    share = cells["flops_compact"] / cells["flops_original"]
    assert share.between(0.4, 0.5).all()
    # The published nets have more params than these narrow ones, so that only FLOPs are judged.
    judged = pd.read_csv(results / "claims.csv")
    assert set(zip(judged["cost"], judged["factor"], strict=True)) == {("flops", 2)}
    assert set(judged["model"]) == set(cells["model"])
    assert {curve.split()[0] for curve in judged["curve"]} == set(cells["pruner"])
