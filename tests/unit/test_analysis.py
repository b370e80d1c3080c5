"""Fronts, curves, verdicts and the comparison with the published cells."""

import csv
import hashlib
import io
import json
import logging
import math
import os
from pathlib import Path

import pandas as pd
import pytest
from cells import cells

from filterbench.analysis.differences import differences
from filterbench.analysis.importing import read_results
from filterbench.analysis.optimism import optimism
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import before_finetuning, paper_points, published_cells
from filterbench.analysis.published_tables import RAW_TABLE, RESOURCES, published_names
from filterbench.analysis.report import reproduction_page
from filterbench.analysis.reproduction import compare_with_published, summary
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import check
from filterbench.jobs.job import Job
from filterbench.stages.imported import imported
from filterbench.storage.errors import InputError
from filterbench.study.imports import imports_of

# The published study's figures as one file: 183 cells, 3 originals.
TABLE = RESOURCES / "published.csv"
PUBLISHED_DIGEST = "8cac457931c95ce61d91edc299754d7b152f0a63c2cf071151f046e0132c69a6"
# The 183 single results behind it.
RAW_DIGEST = "0ed56d1f6df045bd2aee80077ad923e2a98636b9fcd88c837998f192b86a4991"


def test_the_published_table_has_the_published_figures():
    rows = list(csv.DictReader(TABLE.read_text().splitlines()))
    figures = [column for column in rows[0] if column not in ("convention", "like_for_like")]
    text = io.StringIO()
    writer = csv.DictWriter(text, figures, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    assert hashlib.sha256(text.getvalue().encode()).hexdigest() == PUBLISHED_DIGEST
    assert sum(len(published_cells(model)) for model in published_names("model")) == 183
    paper = pd.concat(map(paper_points, published_names("model")))[["model", "accuracy", "params", "flops"]]
    assert paper.to_numpy().tolist() == [
        ["vgg16", 0.9321, 287121, 35683899],
        ["resnet18", 0.9381, 206162, 45627175],
    ]


def test_the_raw_results_are_those_behind_the_published_table():
    assert hashlib.sha256(RAW_TABLE.read_bytes()).hexdigest() == RAW_DIGEST
    table = pd.read_csv(TABLE)
    cells = table[(table["source"] == "nni") & (table["pruner"] != "original")]
    keys = ["model", "pruner", "sparsity"]
    both = cells.merge(pd.read_csv(RAW_TABLE), on=keys, validate="one_to_one")
    assert len(both) == 183
    assert (both["accuracy"] == both["finetuned"]).all()
    assert (both["params"] == both["params_speedup"]).all()
    assert (both["flops"] == both["flops_speedup"]).all()


def test_published_cells_have_their_accuracies_before_finetuning_and_their_own_original():
    found = published_cells("vgg16").set_index(["pruner", "sparsity"])
    cell = found.loc[("L1FilterPruner", 0.1)]
    assert list(cell[["performance_pruned", "performance_compact"]]) == [0.7103, 0.886]
    assert found.loc[("L1FilterPruner", 0.4), "performance_original"] == 0.9307
    assert (found["performance_original"] == 0.9298).sum() == 62
    # A restart of the learning rate does that: Le & Hua 2021.
    better = {
        model: int((rows["performance_finetuned"] > rows["performance_original"]).sum())
        for model in published_names("model")
        for rows in [published_cells(model)]
    }
    assert better == {"vgg16": 36, "resnet18": 18, "resnet50": 0}
    before = before_finetuning(found)["performance_finetuned"]
    assert before[("L1FilterPruner", 0.1)] == 0.886
    assert before[("AutoCompressPruner", 0.5)] == found.loc[("AutoCompressPruner", 0.5), "performance_pruned"]


def test_the_published_annealing_chose_blindly_where_its_best_score_was_chance():
    found = pd.concat([published_cells(model) for model in published_names("model")])
    annealing = found["pruner"] == "SimulatedAnnealingPruner"
    assert found.loc[~annealing, ["search_best", "search_chance", "search_blind"]].isna().all(axis=None)
    blind = found[annealing & (found["search_blind"] == True)]  # noqa: E712
    assert list(zip(blind["model"], blind["sparsity"], strict=True)) == [
        *(("vgg16", sparsity) for sparsity in (0.6, 0.7, 0.8, 0.9, 0.95, 0.975)),
        ("resnet18", 0.95),
    ]
    assert set(blind["search_best"]) == {0.1}


def test_a_model_that_was_not_published_is_a_clear_error():
    with pytest.raises(InputError, match="no model 'vgg19'; published: vgg16, resnet18, resnet50"):
        published_cells("vgg19")


def test_the_front_has_the_cells_that_no_other_beats():
    table = cells({"Good": 0.9, "Bad": 0.8}, (0.5, 0.9), seeds=(0,), models=("a",))
    table.loc[(table["pruner"] == "Bad") & (table["sparsity"] == 0.9), "params_compact"] = 10
    marked = with_fronts(table).set_index(["pruner", "sparsity"])
    # Good's cells have one accuracy, so only the smallest of them is on the front.
    assert list(marked.index[marked["pareto_params"]]) == [("Good", 0.9), ("Bad", 0.9)]
    assert list(marked.index[marked["pareto_flops"]]) == [("Good", 0.9)]


def test_an_infeasible_cell_is_on_no_front():
    table = cells({"Good": 0.9}, seeds=(0,), models=("a",))
    table.loc[0, ["performance_finetuned", "params_compact", "flops_compact"]] = math.nan
    assert not with_fronts(table).loc[0, "pareto_params"]


def test_a_cell_that_one_seed_alone_reaches_neither_is_on_the_front_nor_beats_another():
    table = cells({"Good": 0.8, "Lucky": 0.9}, sparsities=(0.5,), models=("a",))
    unlucky = (table["pruner"] == "Lucky") & (table["seed"] > 0)
    table.loc[unlucky, "infeasible"] = "out of reach"
    table.loc[unlucky, ["performance_finetuned", "params_compact", "flops_compact"]] = math.nan
    marked = with_fronts(table).groupby("pruner")["pareto_params"].all()
    assert marked.to_dict() == {"Good": True, "Lucky": False}


def test_each_published_cell_is_compared():
    ours = published_cells("vgg16").iloc[:5].copy()
    ours["params_compact"] = ours["params_compact"].astype(float)
    ours.loc[1, "params_compact"] *= 1.005
    ours.loc[2, "performance_finetuned"] -= 0.01
    ours.loc[3, "infeasible"] = "out of reach"
    found = compare_with_published("vgg16", ours)
    assert [cell["status"] for cell in found[:6]] == [
        "exact",
        "within tolerance",
        "off",
        "infeasible",
        "exact",
        "not run",
    ]
    assert found[2]["difference"]["accuracy_points"] == pytest.approx(-1)
    assert summary(found)[0] == {
        "pruner": "L1FilterPruner",
        "exact": 2,
        "within_tolerance": 1,
        "off": 1,
        "infeasible": 1,
        "not_run": 6,
    }
    document = {
        "study": "mine",
        "tolerance": {"count_percent": 1.0, "accuracy_points": 0.5},
        "summary": summary(found),
        "cells": found,
    }
    assert check("reproduction", document) == []
    assert "| L1FilterPruner | 0.3 | off |" in reproduction_page(document)


def test_counts_alone_can_be_exact():
    ours = published_cells("vgg16").assign(performance_finetuned=math.nan)
    assert {cell["status"] for cell in compare_with_published("vgg16", ours)} == {"exact"}


@pytest.fixture
def folder_of_results(tmp_path):
    """NNI's results in both layouts: a collection of VGG16, one cell of ResNet18."""
    collection = {
        pruner: [
            {
                "sparsity": row.sparsity,
                "params": row.params_compact,
                "flops": row.flops_compact,
                "performance": 0.9,
            }
            for row in cells.itertuples()
        ]
        for pruner, cells in published_cells("vgg16").groupby("pruner")
    }
    (tmp_path / "vgg16.json").write_text(json.dumps(collection))
    cell = tmp_path / "resnet18/L1FilterPruner/0.5"
    cell.mkdir(parents=True)
    result = {
        "performance": {"original": 0.95, "pruned": 0.8, "speedup": 0.7, "finetuned": 0.94},
        "params": {"original": 11173962, "speedup": 5000000},
        "flops": {"original": 556651530, "speedup": 300000000},
    }
    (cell / "result.json").write_text(json.dumps(result))
    return tmp_path


def test_nni_results_are_read_from_both_layouts(folder_of_results):
    collected = read_results(folder_of_results / "vgg16.json", "vgg16")
    assert len(collected) == len(published_cells("vgg16"))
    assert set(collected["params_original"]) == {14987722}
    (cell,) = read_results(folder_of_results / "resnet18", "resnet18").to_dict("records")
    assert (cell["pruner"], cell["sparsity"]) == ("L1FilterPruner", 0.5)
    assert (cell["performance_original"], cell["flops_compact"]) == (0.95, 300000000)


def test_faulty_nni_results_are_a_clear_error(folder_of_results):
    path = folder_of_results / "resnet18/L1FilterPruner/0.5/result.json"
    path.write_text(path.read_text().replace("0.94", "94"))
    with pytest.raises(InputError, match=r"0.5/result.json: \$.performance.finetuned: 94 is greater than"):
        read_results(folder_of_results / "resnet18", "resnet18")
    path.unlink()
    with pytest.raises(InputError, match="resnet18: no results of resnet18"):
        read_results(folder_of_results / "resnet18", "resnet18")


def test_results_of_which_none_is_feasible_are_named(tmp_path):
    cell = tmp_path / "resnet18/NetAdaptPruner/0.9"
    cell.mkdir(parents=True)
    (cell / "result.json").write_text('{"infeasible": "no step leads there"}')
    job = Job({}, {}, {"model": "resnet18"}, resources={"source": str(tmp_path / "resnet18")})
    with pytest.raises(InputError, match="resnet18: every cell of this model is infeasible"):
        imported(job)


RESULT = {
    "performance": {"original": 0.95, "pruned": 0.8, "speedup": 0.7, "finetuned": 0.94},
    "params": {"original": 14987722.0, "speedup": 167089.0},
    "flops": {"original": 314018314.0, "speedup": 38589922.0},
}


def write_result(folder: Path, document: dict) -> None:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(document))


def test_the_published_studys_own_raw_files_are_imported(tmp_path):
    bare = {**RESULT, "performance": {"original": 0.95, "pruned": 0.8, "finetuned": 0.94}}
    for name in ("01", "095", "0975", "0.5"):
        write_result(tmp_path / "AutoCompressPruner" / name, bare)
    write_result(tmp_path / "NetAdaptPruner/0.9", {"infeasible": "no layer has enough weights left"})
    table = read_results(tmp_path, "vgg16")
    assert list(table["sparsity"]) == [0.1, 0.5, 0.95, 0.975, 0.9]
    assert table["performance_compact"].isna().all()
    assert list(table["infeasible"].notna()) == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("0.5", "0.50"), r"0\.50/result\.json: .*0\.5/result\.json is of sparsity 0\.5, too"),
        (("nan",), r"nan/result\.json: the folder 'nan' is not a sparsity"),
        (("1.5",), r"1\.5/result\.json: the folder '1\.5' is not a sparsity"),
        (("half",), r"half/result\.json: the folder 'half' is not a sparsity"),
    ],
)
def test_results_that_would_be_averaged_or_invented_are_refused(names, expected, tmp_path):
    for name in names:
        write_result(tmp_path / "L1FilterPruner" / name, RESULT)
    with pytest.raises(InputError, match=expected):
        read_results(tmp_path, "vgg16")


def test_the_unpruned_net_of_a_collection_is_the_published_one_and_is_told(tmp_path, caplog):
    cells = [{"sparsity": 0.5, "params": 1000, "flops": 2000, "performance": 0.9}]
    for model in ("vgg16", "vgg19"):
        (tmp_path / f"{model}.json").write_text(json.dumps({"L1FilterPruner": cells}))
    with caplog.at_level(logging.INFO):
        read_results(tmp_path / "vgg16.json", "vgg16")
    assert "does not contain the unpruned net: the published one of vgg16 is used" in caplog.text
    with pytest.raises(InputError, match="vgg19 was not published"):
        read_results(tmp_path / "vgg19.json", "vgg19")


@pytest.mark.parametrize("name", ["params", "flops"])
def test_cells_of_different_unpruned_nets_are_refused(name, tmp_path):
    other = {**RESULT, name: RESULT[name] | {"original": 2e9}}
    write_result(tmp_path / "L1FilterPruner/0.5", RESULT)
    write_result(tmp_path / "L1FilterPruner/0.9", other)
    write_result(tmp_path / "L2FilterPruner/0.9", {"infeasible": "no layer has enough weights left"})
    expected = rf"differ in {name}: \d+ \(L1FilterPruner 0\.5\), 2000000000 \(L1FilterPruner 0\.9\)"
    with pytest.raises(InputError, match=expected):
        read_results(tmp_path, "vgg16")


def test_different_accuracies_of_the_unpruned_net_are_named(tmp_path, caplog):
    other = {**RESULT, "performance": RESULT["performance"] | {"original": 0.9}}
    write_result(tmp_path / "L1FilterPruner/0.5", RESULT)
    write_result(tmp_path / "L1FilterPruner/0.9", other)
    read_results(tmp_path, "vgg16")
    assert "unpruned nets have accuracies from 0.9 to 0.95; figures show their mean" in caplog.text


def test_cells_with_budgets_of_a_collection_are_skipped_by_name(tmp_path, caplog):
    cell = {"params": 1000, "flops": 2000, "performance": 0.9}
    entries = {"L1FilterPruner": [cell | {"sparsity": 0.5}]}
    budgets = {"L1FilterPruner (FLOPs budget)": [cell | {"budget": 0.5}, cell | {"budget": 0.7}]}
    (tmp_path / "vgg16.json").write_text(json.dumps(entries | budgets))
    assert len(read_results(tmp_path / "vgg16.json", "vgg16")) == 1
    assert "vgg16.json: skipped 2 cells with a budget; only sparsities are imported" in caplog.text
    (tmp_path / "vgg16.json").write_text(json.dumps(budgets))
    with pytest.raises(InputError, match="no results of vgg16"):
        read_results(tmp_path / "vgg16.json", "vgg16")


def test_a_folder_of_results_is_looked_through(tmp_path):
    write_result(tmp_path / "VGG16/L1FilterPruner/0.5", RESULT)
    write_result(tmp_path / "densenet/L1FilterPruner/0.5", RESULT)
    write_result(tmp_path / f"{49 * 'a'}/L1FilterPruner/0.5", RESULT)
    write_result(tmp_path / "{model}/L1FilterPruner/0.5", RESULT)
    (tmp_path / "VGG16/notes.txt").write_text("mine")
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "alexnet.json").write_text("{}")
    (tmp_path / "resnet18.json").mkdir()
    os.mkfifo(tmp_path / "resnet50.json")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).mkdir()
    found = imports_of(str(tmp_path))
    assert dict(found.sources) == {"vgg16": tmp_path / "VGG16", "densenet": tmp_path / "densenet"}
    assert found.skipped["broken links"] == 1
    assert found.skipped["beside the results"] == 1
    assert found.skipped["that are not JSON"] == 2
    assert found.skipped["with names that are not valid in a path"] == 2
    assert sum(number for reason, number in found.skipped.items() if "other than vgg16" in reason) == 1
    assert found.summary().startswith("nni_results: skipped files: ")
    assert imports_of(f"{tmp_path}/").name == found.name
    copied = tmp_path.parent / "elsewhere" / tmp_path.name
    copied.mkdir(parents=True)
    assert imports_of(str(copied)).name != found.name
    assert len(imports_of(str(tmp_path / f"{49 * 'a'}")).name) <= 48 + 9
    (tmp_path / "vgg16.json").write_text("{}")
    with pytest.raises(InputError, match="duplicate results of vgg16, as in .*VGG16"):
        imports_of(str(tmp_path))
    assert imports_of("").sources == {}


def test_every_pair_of_pruners_is_compared_at_equal_budget_by_seed():
    table = cells({"Good": 0.9, "Low": 0.8}, sparsities=(0.3, 0.5, 0.65, 0.8), models=("a",))
    table.loc[(table["pruner"] == "Low") & (table["sparsity"] == 0.8), "infeasible"] = "out of reach"
    found = differences(table).set_index(["cost", "factor"])
    # Good and Low have the same counts: their cells are compared as they are, where both have one.
    assert list(found.index) == [
        (cost, factor) for cost in ("params", "flops") for factor in ("all", 2.0408, 4, 8.1633)
    ]
    row = found.loc[("params", 4)]
    assert (row["pruner"], row["other"], row["n"]) == ("Good", "Low", 3)
    assert (row["mean"], row["mean_all"], row["collapsed"]) == (pytest.approx(10), pytest.approx(10), 0)
    assert row[["low", "high"]].isna().all()


def test_a_pair_has_a_pooled_row_and_intervals_that_hold_together():
    table = cells({"Good": 0.9, "Wide": 0.8}, sparsities=(0.3, 0.5), models=("a",))
    wide = table["pruner"] == "Wide"
    table.loc[wide, "performance_finetuned"] -= 0.01 * table["seed"] + 0.1 * (table["sparsity"] == 0.5)
    found = differences(table).set_index(["cost", "factor"]).loc["params"]
    # Differences 10, 11 and 12 points at one factor, 20, 21 and 22 at the other.
    pooled, first = found.loc["all"], found.iloc[1]
    assert (pooled["mean"], first["mean"]) == pytest.approx((16, 11))
    # t(0.975, 2) = 4.302653, and at the level 0.95 ** (1 / 2) it is 6.164414.
    assert (pooled["low"], pooled["high"]) == pytest.approx((16 - 4.302653 / 3**0.5, 16 + 4.302653 / 3**0.5))
    assert (first["low"], first["high"]) == pytest.approx((11 - 6.164414 / 3**0.5, 11 + 6.164414 / 3**0.5))


def test_the_optimism_gap_is_paired_by_seed():
    honest, flattered = (cells({"Good": value}, (0.5, 0.8, 0.9), models=("a",)) for value in (0.9, 0.91))
    flattered["performance_original"] = 0.955
    flattered.loc[flattered["sparsity"] == 0.9, "infeasible"] = "out of reach"
    flattered.loc[flattered["sparsity"] == 0.8, "performance_finetuned"] += 0.01 * (flattered["seed"] - 1)
    found = optimism(honest, flattered).set_index(["pruner", "sparsity"])
    assert list(found.index) == [("original", 0.0), ("Good", 0.5), ("Good", 0.8)]
    assert list(found["mean"]) == pytest.approx([0.5, 1, 1])
    assert list(found["n"]) == [3, 3, 3]
    assert list(found["low"].notna()) == [False, False, True]
    assert list(found.loc[("Good", 0.5), ["validation", "test"]]) == pytest.approx([0.9, 0.91])


def test_the_statistics_of_a_cell_are_those_of_its_seeds():
    table = cells({"Good": 0.9}, sparsities=(0.5,), models=("a",))
    table["performance_finetuned"] = [0.8, 0.9, 1.0]
    row = with_statistics(table).iloc[0]
    names = ["performance_mean", "performance_std", "performance_low", "performance_high"]
    # t(0.975, 2) = 4.302653
    assert list(row[names]) == pytest.approx([0.9, 0.1, 0.9 - 0.4302653 / 3**0.5, 0.9 + 0.4302653 / 3**0.5])
    alone = with_statistics(table.iloc[:1]).iloc[0]
    assert (alone["seeds"], alone["performance_mean"]) == (1, 0.8)
    assert alone[names[1:]].isna().all()
    # An infeasible cell has no accuracy, and does not count as a seed.
    table.loc[table.index[0], "performance_finetuned"] = None
    pair = with_statistics(table).iloc[0]
    assert (pair["seeds"], pair["performance_mean"]) == (2, pytest.approx(0.95))
    # Two seeds have a spread, but no interval; nor have seeds that all agree.
    assert pair["performance_std"] == pytest.approx(0.05 * 2**0.5)
    assert pair[["performance_low", "performance_high"]].isna().all()
    equal = with_statistics(table.assign(performance_finetuned=0.9)).iloc[0]
    assert (equal["seeds"], equal["performance_std"]) == (3, 0)
    assert equal[["performance_low", "performance_high"]].isna().all()
