"""PruningBench's study, and the published rows beside it."""

import pandas as pd
import pytest
import yaml
from checkout import REPOSITORY

from filterbench.analysis.claims import read_claims
from filterbench.audit.audit import audit
from filterbench.models.registry import build_model

STUDY = REPOSITORY / "studies/pruningbench_cifar100.yaml"
TABLE = STUDY.with_suffix(".csv")


@pytest.fixture(scope="module")
def study() -> dict:
    return yaml.safe_load(STUDY.read_text())


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.read_csv(TABLE)


def test_the_rows_are_of_the_studys_nets_pruners_and_targets(study, rows):
    assert study["claims"] == TABLE.name
    assert set(rows["model"]) == set(study["models"])
    assert set(rows["pruner"].dropna()) == set(study["pruners"])
    factors = sorted({float(text.rstrip("x")) for text in rows["flops_factor"]})
    assert factors == [2, 4, 8]
    # A net ends at most 2 % below its budget, so that each curve reaches from below 2 to 8 times fewer.
    largest, *_, smallest = study["budgets"]["flops"]
    assert 1 / (0.98 * largest) < factors[0]
    assert 1 / smallest >= factors[-1]
    assert (rows.groupby(["model", "flops_factor"]).size() == 17).all()
    # Each of the ten criteria, and the one after sparse training, at each target, once.
    assert (rows.groupby(["model", "flops_factor", "pruner"]).size() == 1).all()
    assert rows["pruner"].notna().sum() == 99
    assert rows["params"].notna().all()


def test_equal_flops_leave_unequal_params():
    """The page names the two ends."""
    points = read_claims(TABLE).query("flops_factor == 2 and model == 'resnet50'")
    whole = sum(weight.numel() for weight in build_model("resnet50", classes=100).parameters())
    left = (points.set_index("pruner")["params"] / whole).round(2)
    assert left.notna().all()
    assert (left.idxmin(), left.min()) == ("HRankPruner", 0.27)
    assert (left.idxmax(), left.max()) == ("GroupL1Pruner", 0.71)


def test_one_printed_difference_is_off():
    """The page says which."""
    (finding,) = audit(TABLE)["findings"]
    assert (finding["line"], finding["key"], finding["recomputed"]) == (11, "change", "-0.71")
    assert "ResNet18, HRank, 2x" in finding["source"]
