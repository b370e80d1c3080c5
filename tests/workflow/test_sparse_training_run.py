"""A study in which a pruner and a search path begin with one sparse training."""

import pandas as pd
import pytest
from checkout import Checkout

from filterbench.documents import parse

STUDY = "studies/sparse.yaml"
TEXT = """\
extends: smoke.yaml
study: sparse
only: {models: [vgg16], pruners: [NetAdaptPruner, BNScalePruner, BNScalePlain]}
sparsities: [0.3, 0.5]
finetune_unpruned: false
pruners:
  NetAdaptPruner:
    sparsities: {vgg16: [0.5]}
    sparse_training: &slim {penalty: bn-scales, strength: 0.001, epochs: 1, learning_rate: 0.02}
  BNScalePruner: {sparse_training: *slim}
  BNScalePlain: {variant_of: BNScalePruner, sparsities: {vgg16: [0.5]}}
"""
SEED = "results/sparse/vgg16/seed-0"
SPARSE = f"{SEED}/sparse/bn-scales_0.001_1_0.02"
CELL = f"{SEED}/BNScalePruner/0.5"


@pytest.fixture
def study(checkout) -> Checkout:
    (checkout.folder / STUDY).write_text(TEXT)
    return checkout


def test_one_sparse_training_serves_all_targets_and_pruners(study):
    planned = study.planned("results", study=STUDY)
    assert (planned["train_sparse"], planned["train_baseline"], planned["trajectory"]) == (1, 1, 1)
    assert planned["prune"] == 1 + 2 + 1
    # A pruner with another setting has another net.
    study.edit(STUDY, "{sparse_training: *slim}", "{sparse_training: {<<: *slim, strength: 0.01}}")
    assert study.planned("results", study=STUDY)["train_sparse"] == 2


@pytest.mark.slow
def test_a_study_with_sparse_training_is_made_once_and_holds_together(study):
    run = study.snakemake("comparisons", "validate", study=STUDY)
    assert run.returncode == 0, run.stdout
    assert "1 sparse" in run.stdout
    assert study.planned("comparisons", study=STUDY) == {}

    own = parse(study.folder / SPARSE / "sparse.json")
    digest = parse(study.folder / CELL / "prune.json")["provenance"]["inputs"]["weights"]
    listed = parse(study.folder / "results/sparse/manifest.json")["files"]
    name = f"{SPARSE}/sparse.safetensors".removeprefix("results/sparse/")
    assert (listed[name]["sha256"], listed[name]["rule"]) == (digest, "train_sparse")
    result = parse(study.folder / CELL / "result.json")
    baseline = parse(study.folder / SEED / "baseline/baseline.json")
    assert result["performance"]["original"] == baseline["performance"]["original"]

    table = pd.read_csv(study.folder / "results/sparse/vgg16/comparison.csv")
    sparse, plain = (table[table["pruner"] == pruner] for pruner in ("BNScalePruner", "BNScalePlain"))
    images = own["images"]["train"]
    assert set(sparse["images_paid"]) == {2 * images}
    assert set(plain["images_paid"]) == set(sparse["images_after_cut"]) == {images}
    assert set(sparse["images_trained"]) == {images}
    assert set(plain["images_trained"]) == {0}
    assert set(sparse["sparse_training"]) == {"bn-scales_0.001_1_0.02"}
    assert plain["sparse_training"].isna().all()

    # What was changed by hand is found, and so is a document that is gone.
    path = study.folder / SPARSE / "sparse.json"
    path.write_text(path.read_text().replace('"strength": 0.001', '"strength": 0.002'))
    run = study.snakemake("validate", study=STUDY)
    assert run.returncode == 1
    assert f"{SPARSE}/sparse.json: $.cell.sparse_training" in run.stdout
    path.unlink()
    run = study.snakemake("validate", study=STUDY)
    assert f"{SPARSE}/sparse.json: missing: cells that begin with it are there" in run.stdout
