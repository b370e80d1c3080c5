"""Points that papers report, beside a study's curves."""

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from filterbench.analysis.claims import claims_about, judged, placed, read_claims
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published_tables import PAPER_TABLE, RESOURCES
from filterbench.analysis.seeds import with_statistics
from filterbench.page.page import page
from filterbench.plotting.marks import draw_claims
from filterbench.plotting.style import STYLES
from filterbench.storage.errors import InputError
from filterbench.storage.tables import write_table
from filterbench.study.reading import check_claims, read_study

HEADER = "source,label,model,pruner,accuracy,params_factor,flops,convention\n"


def table(tmp_path, *rows: str, header: str = HEADER):
    path = tmp_path / "points.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def cells(seeds=(0, 1, 2), spread=0.004) -> pd.DataFrame:
    """Two cells of one pruner, at four and eight times fewer of both."""
    return pd.DataFrame(
        {
            "model": "vgg16",
            "pruner": "L1FilterPruner",
            "sparsity": sparsity,
            "seed": seed,
            "infeasible": None,
            "performance_finetuned": accuracy + spread * (seed - 1),
            "params_original": 8000,
            "params_compact": 8000 / factor,
            "flops_original": 1600,
            "flops_compact": 1600 / factor,
        }
        for seed in seeds
        for sparsity, factor, accuracy in ((0.5, 4, 0.9), (0.7, 8, 0.8))
    )


def verdicts(path, own: pd.DataFrame) -> dict[tuple[str, str], str]:
    points = placed(read_claims(path), "vgg16", "digits", own)
    found = judged(points, own)
    return {(row["label"], row["cost"]): row["verdict"] for row in found.to_dict("records")}


def test_a_point_is_above_on_or_below_a_curve(tmp_path):
    path = table(
        tmp_path,
        "Doe 2024,high,vgg16,L1FilterPruner,95,4,,macs",
        "Doe 2024,near,vgg16,L1FilterPruner,0.903,4,,macs",
        "Doe 2024,low,vgg16,L1FilterPruner,70%,8,400,macs",
        "Doe 2024,far,vgg16,L1FilterPruner,70,1000,,macs",
        "Doe 2024,other,resnet18,L1FilterPruner,70,4,,macs",
    )
    # The t interval of 0.896, 0.9 and 0.904 reaches from 0.8901 to 0.9099.
    assert verdicts(path, cells()) == {
        ("high", "params"): "above",
        ("near", "params"): "on",
        ("low", "params"): "below",
        ("low", "flops"): "below",
    }
    assert set(verdicts(path, cells(seeds=(0, 1))).values()) == {"cannot tell"}


HOSTILE = "<!--<script>\u2028&"


def test_no_source_of_a_point_leaves_the_page_blank(tmp_path):
    path = table(tmp_path, f"{HOSTILE},,vgg16,L1FilterPruner,92,4,,nni-full")
    claims = {"vgg16": placed(read_claims(path), "vgg16", "digits", cells())}
    missing = {"performance_original": 0.95, "seconds_prune": 1.0, "seconds_finetune": 1.0}
    own = with_fronts(with_statistics(cells().assign(**missing)))
    text = page("s", "a study", {"vgg16": own}, claims=claims)
    (held,) = re.findall(r'<script type="application/json" id="study">(.*?)</script>', text)
    assert not set(held) & set("<>&\u2028\u2029")
    assert json.loads(held)["models"]["vgg16"]["claims"][0]["source"] == HOSTILE


def test_a_spreadsheet_finds_no_formula_in_a_table(tmp_path):
    texts = ["=HYPERLINK(0)", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\n=1", "Doe\r=1", "-0.5", None]
    numbers = [-1.5, -2, 3, 4, 5, 6, 7, 8, 9]
    write_table(tmp_path / "a.csv", pd.DataFrame({"source": texts, "difference": numbers}))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == [*(f"'{text}" for text in texts[:6]), "Doe\n=1", "-0.5", ""]
    assert [float(row["difference"]) for row in rows] == numbers


def test_the_difference_and_the_interval_are_told(tmp_path):
    path = table(tmp_path, "Doe 2024,,vgg16,L1FilterPruner,92,4,,nni-full")
    row = judged(placed(read_claims(path), "vgg16", "digits", cells()), cells()).iloc[0]
    assert (row["label"], row["curve"], row["seeds"]) == ("L1FilterPruner Doe 2024", "L1FilterPruner", 3)
    assert row["difference"] == pytest.approx(2)
    assert (row["curve_low"], row["curve_high"]) == pytest.approx((0.89006, 0.90994), abs=1e-4)
    assert row["like_for_like"]


def test_counts_and_factors_follow_from_each_other(tmp_path):
    path = table(tmp_path, "Doe 2024,a,vgg16,L1FilterPruner,92,4,200,macs")
    point = placed(read_claims(path), "vgg16", "digits", cells()).iloc[0]
    assert (point["params"], point["flops_factor"]) == (2000, 8)


@pytest.mark.parametrize(
    ("convention", "dataset", "told", "expected"),
    [
        ("nni-full", "digits", "", True),
        ("nni-full", "", "", True),
        ("nni-full", "cifar10", "", False),
        ("macs", "digits", "", False),
        ("macs", "digits", "yes", True),
        ("nni-full", "digits", "no", False),
    ],
)
def test_like_for_like(tmp_path, convention, dataset, told, expected):
    header = "source,model,accuracy,params_factor,convention,dataset,like_for_like\n"
    path = table(tmp_path, f"Doe,vgg16,92,4,{convention},{dataset},{told}", header=header)
    assert placed(read_claims(path), "vgg16", "digits", cells())["like_for_like"].item() is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Doe,a,vgg16,,high,4,,macs", "line 2: accuracy: 'high' is not a number"),
        ("Doe,a,vgg16,,101,4,,macs", "line 2: accuracy: 101; allowed: above 0, up to 1, or 100 per cent"),
        ("Doe,a,vgg16,,-1,4,,macs", "line 2: accuracy: -1; allowed: above 0"),
        ("Doe,a,,,92,4,,macs", "line 2: model is empty"),
        ("Doe,a,vgg16,,92,,,macs", "line 2: one of params, params_factor, params_reduction, flops"),
        ("Doe,a,vgg16,,92,0.5,,macs", "line 2: params_factor: 0.5; allowed: how many times fewer, from 1"),
    ],
)
def test_a_faulty_row_is_told(tmp_path, row, expected):
    with pytest.raises(InputError, match=r"points\.csv: ") as error:
        read_claims(table(tmp_path, row))
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Doe,54.8%,,", "line 2: params: '54.8%' is a share, not a count"),
        ("Doe,54.8,,", "line 2: params: 54.8; allowed: a whole number from 100"),
        ("Doe,2.76Q,,", "line 2: params: '2.76Q': unknown unit; allowed: K, M, G, B"),
        ("Doe,,50%,", "line 2: params_factor: '50%' is a share, not a factor"),
        ("Doe,,,100%", "line 2: params_reduction: 100%; allowed: from 0, below 100"),
        ("Doe et al., 2024,2.76M,,", "line 2 has 8 fields, the header 7"),
        ("Doe,2.76M,,,", "line 2 has 8 fields, the header 7"),
    ],
)
def test_units_and_unquoted_commas_are_refused(row, expected, tmp_path):
    header = "source,params,params_factor,params_reduction,model,accuracy,convention\n"
    with pytest.raises(InputError) as error:
        read_claims(table(tmp_path, f"{row},vgg16,92,macs", header=header))
    assert expected in str(error.value)


def test_units_and_spaces_are_read(tmp_path):
    header = "source, model ,accuracy,params,flops_reduction,params_factor,convention\n"
    path = table(tmp_path, "Doe , vgg16 ,0.9%,2.76M, 58.1% ,2.11x, nni-full ", header=header)
    point = read_claims(path).iloc[0]
    assert (point["model"], point["params"], point["params_factor"]) == ("vgg16", 2_760_000, 2.11)
    assert point["accuracy"] == pytest.approx(0.009)
    assert point["flops_factor"] == pytest.approx(1 / 0.419)
    assert point["like_for_like"]


def test_points_of_other_models_are_named(tmp_path, caplog):
    path = table(tmp_path, "Doe,a,vgg16,,92,4,,macs", "Doe,b,VGG-16,,92,4,,macs")
    claims_about(path, ["vgg16", "resnet18"])
    assert "line 3 (VGG-16); the study has vgg16, resnet18" in caplog.text


def test_the_points_of_a_label_have_their_own_pruners_colours(tmp_path):
    path = table(tmp_path, "Doe,Doe,vgg16,L1FilterPruner,92,4,,macs", "Doe,Doe,vgg16,FPGMPruner,91,4,,macs")
    axes = Figure().subplots()
    draw_claims(axes, "params", placed(read_claims(path), "vgg16", "digits", cells()))
    drawn = [line for line in axes.lines if len(line.get_xdata())]
    assert {line.get_markeredgecolor() for line in drawn} == {
        STYLES["L1FilterPruner"].color,
        STYLES["FPGMPruner"].color,
    }
    # One entry in the legend, of neither's colour.
    assert [line.get_label() for line in axes.lines if not line.get_label().startswith("_")] == [
        "Doe (not like for like)"
    ]


def test_a_study_can_have_the_shipped_literature(default_config):
    config = read_study(default_config | {"claims": "literature"}, [], {})
    points = claims_about(Path(config["claims"]), ["vgg16"])
    vgg16 = placed(points, "vgg16", "cifar10", cells())
    # Papers count without BatchNorm, so that none is like for like.
    assert len(vgg16) == 27
    assert not vgg16["like_for_like"].any()
    assert vgg16["label"].isin(["HRank", "CHIP", "EZCrop", "LAASP"]).any()


def test_a_faulty_table_is_told(tmp_path):
    with pytest.raises(InputError, match="no column 'convention'"):
        read_claims(table(tmp_path, "a,b", header="source,model,accuracy\n"))
    with pytest.raises(InputError, match="unknown column 'parms'"):
        read_claims(table(tmp_path, header=HEADER.replace("params_factor", "parms")))
    with pytest.raises(InputError, match="no rows"):
        read_claims(table(tmp_path))
    with pytest.raises(InputError, match="not a readable table"):
        read_claims(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "Doe,a,vgg17,,92,4,,macs",
            "points.csv: no point is of a model of the study: vgg16, resnet18, resnet50",
        ),
        ("Doe,a,vgg16,,92,0.5,,macs", "points.csv: line 2: params_factor: 0.5; allowed"),
    ],
)
def test_a_faulty_table_is_told_before_anything_runs(row, expected, tmp_path, default_config):
    with pytest.raises(InputError, match=expected):
        check_claims(default_config | {"claims": str(table(tmp_path, row))})


def test_the_published_tables_are_such_files():
    published, paper = read_claims(RESOURCES / "published.csv"), read_claims(PAPER_TABLE)
    # Without the unpruned nets.
    assert (len(published), len(paper)) == (183, 2)
    assert published["like_for_like"].all()
    assert not paper["like_for_like"].any()
    assert published["accuracy"].between(0.1, 0.96).all()
