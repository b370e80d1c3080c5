"""Fronts, curves, verdicts and the comparison with the published cells."""

import csv
import hashlib
import io
import json
import math

import pandas as pd
import pytest

from filterbench.analysis.curves import accuracy_at, difference, summarise
from filterbench.analysis.differences import differences
from filterbench.analysis.importing import read_results
from filterbench.analysis.optimism import optimism
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import TABLE, paper_points, published_cells, published_models
from filterbench.analysis.report import reproduction_page, verdicts_page
from filterbench.analysis.reproduction import compare_with_published, summary
from filterbench.analysis.seeds import with_statistics
from filterbench.analysis.verdicts import definitions, verdicts
from filterbench.documents import check
from filterbench.errors import InputError
from filterbench.pruners import PRUNERS

# The published study's figures as one file: 183 cells, 3 originals, 2 points of a paper.
PUBLISHED_DIGEST = "d116f74551b126db80c80bb198f605195d71eecac754707f9321c184c1ea7341"


def cells(accuracy: dict[str, float], sparsities=(0.5, 0.8, 0.9), seeds=(0, 1, 2), models=("a", "b")):
    """Cells whose params and FLOPs shrink alike, with one accuracy a pruner and some spread over seeds."""
    return pd.DataFrame(
        [
            {
                "model": model,
                "pruner": pruner,
                "sparsity": sparsity,
                "seed": seed,
                "infeasible": None,
                "performance_original": 0.95,
                "performance_finetuned": value + 0.001 * (seed - 1) * (1 if pruner < "M" else -1),
                "params_original": 1_000_000,
                "params_speedup": round(1_000_000 * (1 - sparsity) ** 2),
                "flops_original": 1_000_000,
                "flops_speedup": round(1_000_000 * (1 - sparsity) ** 2),
            }
            for model in models
            for seed in seeds
            for pruner, value in accuracy.items()
            for sparsity in sparsities
        ]
    )


ALIKE = dict.fromkeys(PRUNERS, 0.9)


def judged(table: pd.DataFrame) -> dict[str, str]:
    return {verdict.key: verdict.verdict for verdict in verdicts(table)}


def test_the_published_table_has_the_published_figures():
    rows = list(csv.DictReader(TABLE.read_text().splitlines()))
    figures = [column for column in rows[0] if column not in ("convention", "like_for_like")]
    text = io.StringIO()
    writer = csv.DictWriter(text, figures, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    assert hashlib.sha256(text.getvalue().encode()).hexdigest() == PUBLISHED_DIGEST
    assert sum(len(published_cells(model)) for model in published_models()) == 183
    assert [len(paper_points(model)) for model in published_models()] == [1, 1, 0]


def test_a_model_that_was_not_published_is_a_clear_error():
    with pytest.raises(InputError, match="no model 'vgg19'; published: vgg16, resnet18, resnet50"):
        published_cells("vgg19")


def test_the_front_has_the_cells_that_no_other_beats():
    table = cells({"Good": 0.9, "Bad": 0.8}, seeds=(0,), models=("a",))
    table.loc[(table["pruner"] == "Bad") & (table["sparsity"] == 0.9), "params_speedup"] = 10
    marked = with_fronts(table).set_index(["pruner", "sparsity"])
    # Good's cells have one accuracy, so only the smallest of them is on the front.
    assert list(marked.index[marked["pareto_params"]]) == [("Good", 0.9), ("Bad", 0.9)]
    assert list(marked.index[marked["pareto_flops"]]) == [("Good", 0.9)]


def test_an_infeasible_cell_is_on_no_front():
    table = cells({"Good": 0.9}, seeds=(0,), models=("a",))
    table.loc[0, ["performance_finetuned", "params_speedup", "flops_speedup"]] = math.nan
    assert not with_fronts(table).loc[0, "pareto_params"]


def test_accuracy_at_a_budget_lies_between_the_neighbouring_cells():
    table = cells({"Good": 0.9}, sparsities=(0.5,), seeds=(1,), models=("a",))
    assert accuracy_at(table, "params", 4) == pytest.approx(0.9)
    assert accuracy_at(table, "params", 2) == pytest.approx((0.95 + 0.9) / 2)
    assert math.isnan(accuracy_at(table, "params", 4.1))


def test_differences_are_paired_by_model_and_seed():
    table = cells({"Good": 0.9, "Low": 0.8})
    found = difference(table, ["Good"], ["Low"], "params", [4, 25])
    assert len(found.pairs) == 6
    assert found.mean == pytest.approx(10)
    assert found.pairs["a, seed 2"] == pytest.approx(10)


def test_the_interval_is_students():
    # Student 1908, by hand: mean 2, standard error 1/sqrt(3), t(0.975, 2) = 4.302653.
    found = summarise({"a": 1.0, "b": 2.0, "c": 3.0})
    assert (found.low, found.high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert math.isnan(summarise({"a": 1.0}).low)


def test_pruners_that_are_alike_have_no_advantage_and_are_similar():
    assert judged(cells(ALIKE)) == {
        "strict-params": "cannot tell",
        "equal-flops": "holds",
        "one-shot-similar": "holds",
        "netadapt-compression": "does not hold",
    }


def test_an_advantage_of_the_searching_pruners_is_seen():
    table = cells(ALIKE | {"AutoCompressPruner": 0.93, "SimulatedAnnealingPruner": 0.94})
    assert judged(table)["strict-params"] == "holds"
    assert judged(table)["equal-flops"] == "does not hold"


def test_a_one_shot_pruner_that_falls_behind_is_not_similar():
    assert judged(cells(ALIKE | {"FPGMPruner": 0.8}))["one-shot-similar"] == "does not hold"


def test_one_seed_of_one_model_cannot_tell():
    found = judged(cells(ALIKE, seeds=(0,), models=("a",)))
    assert {found[key] for key in ("strict-params", "equal-flops", "one-shot-similar")} == {"cannot tell"}


def test_net_adapt_is_judged_by_what_it_could_not_reach():
    table = cells(ALIKE)
    far = (table["pruner"] == "NetAdaptPruner") & (table["sparsity"] > 0.5)
    assert judged(table[~far])["netadapt-compression"] == "cannot tell"
    table.loc[far, "infeasible"] = "no convolution has enough weights left"
    table.loc[far, ["performance_finetuned", "params_speedup", "flops_speedup"]] = math.nan
    assert judged(table)["netadapt-compression"] == "holds"


def test_the_published_cells_alone_leave_three_conclusions_open():
    table = pd.concat([published_cells(model) for model in published_models()])
    found = verdicts(table)
    assert {verdict.key: verdict.verdict for verdict in found} == {
        "strict-params": "cannot tell",
        "equal-flops": "cannot tell",
        "one-shot-similar": "holds",
        "netadapt-compression": "cannot tell",
    }
    document = {
        "source": "the published cells",
        "definitions": definitions(),
        "verdicts": [verdict.document() for verdict in found],
    }
    assert check("verdicts", document) == []
    assert "+2.03 points, 95 % interval -2.86 to +6.93" in verdicts_page(document)


def test_each_published_cell_is_compared():
    ours = published_cells("vgg16").iloc[:5].copy()
    ours["params_speedup"] = ours["params_speedup"].astype(float)
    ours.loc[1, "params_speedup"] *= 1.005
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
                "params": row.params_speedup,
                "flops": row.flops_speedup,
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
    collected = read_results(folder_of_results, "vgg16")
    assert len(collected) == len(published_cells("vgg16"))
    assert set(collected["params_original"]) == {14987722}
    (cell,) = read_results(folder_of_results, "resnet18").to_dict("records")
    assert (cell["pruner"], cell["sparsity"]) == ("L1FilterPruner", 0.5)
    assert (cell["performance_original"], cell["flops_speedup"]) == (0.95, 300000000)


def test_faulty_nni_results_are_a_clear_error(folder_of_results):
    path = folder_of_results / "resnet18/L1FilterPruner/0.5/result.json"
    path.write_text(path.read_text().replace("0.94", "94"))
    with pytest.raises(InputError, match=r"0.5/result.json: \$.performance.finetuned: 94 is greater than"):
        read_results(folder_of_results, "resnet18")
    with pytest.raises(InputError, match="no results of resnet50; expected:"):
        read_results(folder_of_results, "resnet50")


def test_every_pair_of_pruners_is_compared_at_equal_budget_by_seed():
    table = cells({"Good": 0.9, "Low": 0.8}, models=("a",))
    table.loc[(table["pruner"] == "Low") & (table["sparsity"] == 0.9), "infeasible"] = "out of reach"
    found = differences(table).set_index(["cost", "factor"])
    # Low's cells end at sparsity 0.8, 25 times fewer.
    assert list(found.index) == [(cost, factor) for cost in ("params", "flops") for factor in (2, 4, 8, 16)]
    row = found.loc[("params", 4)]
    assert (row["pruner"], row["other"], row["n"]) == ("Good", "Low", 3)
    assert (row["mean"], row["std"]) == pytest.approx((10, 0))


def test_the_optimism_gap_is_paired_by_seed():
    honest, flattered = cells({"Good": 0.9}, models=("a",)), cells({"Good": 0.91}, models=("a",))
    flattered["performance_original"] = 0.955
    flattered.loc[flattered["sparsity"] == 0.9, "infeasible"] = "out of reach"
    found = optimism(honest, flattered).set_index(["pruner", "sparsity"])
    assert list(found.index) == [("original", 0.0), ("Good", 0.5), ("Good", 0.8)]
    assert list(found["mean"]) == pytest.approx([0.5, 1, 1])
    assert list(found["n"]) == [3, 3, 3]
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
