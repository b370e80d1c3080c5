"""Pruners ranked under budgets: the statistics, the files, and that a changed one is found."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from remaking import assert_changes_are_found

from filterbench.analysis.blocks import all_pairs, difference, groups
from filterbench.analysis.collapses import collapsed
from filterbench.analysis.ranking import rankings
from filterbench.documents import read
from filterbench.jobs.job import Job
from filterbench.orchestration.figures import figures
from filterbench.orchestration.plan import Plan
from filterbench.orchestration.tables import TableParams
from filterbench.plotting.ranking import _look, draw_ranking
from filterbench.stages.plot_ranking import plot_ranking
from filterbench.stages.ranking import ranking as ranking_stage
from filterbench.storage.errors import InputError

NAMES = {"document": "ranking.json", "table": "ranking.csv", "page": "ranking.md"}
MODELS, TARGETS = ("vgg16", "resnet18"), (0.5, 0.125)
# Percent at eight times fewer FLOPs; twice as many have 4 points more.
BASES = {"GroupL1Pruner": 80.0, "TaylorPruner": 80.0, "GroupRandomPruner": 70.0}
VARIANTS = {"TaylorOther": "TaylorPruner"}


def cells(seeds=5, changed=lambda row: row):
    """Rows of `comparison.csv`: every accuracy has a noise of its own, 0.3 points wide."""
    noise = np.random.default_rng(0)
    rows = []
    for model in MODELS:
        for seed in range(seeds):
            for pruner, base in (BASES | {"TaylorOther": 60.0}).items():
                for target in TARGETS:
                    accuracy = base + (4 if target == 0.5 else 0) + seed + noise.uniform(-0.15, 0.15)
                    row = {"model": model, "seed": seed, "pruner": pruner, "target": f"flops-{target}"}
                    row |= {
                        "sparsity": None,
                        "params_compact": 1000.0,
                        "performance_finetuned": accuracy / 100,
                    }
                    row |= {f"performance_finetuned_{epochs}": accuracy / 100 for epochs in (2, 8)}
                    rows.append(changed(row))
    return pd.DataFrame(rows)


@pytest.fixture
def study(tmp_path):
    """The folder of a study that is ranked."""
    folder = tmp_path / "results/mine"
    make(folder, cells())
    return folder


def make(folder, table):
    folder.mkdir(parents=True, exist_ok=True)
    tables = []
    for model in MODELS:
        (folder / model).mkdir(exist_ok=True)
        tables.append(folder / model / "comparison.csv")
        table[table["model"] == model].to_csv(tables[-1], index=False)
    params = {"tables": list(map(str, tables)), "source": "study mine", "variants": VARIANTS}
    ranking_stage(Job({}, {key: folder / name for key, name in NAMES.items()}, params))


def test_a_difference_is_the_mean_over_models_with_welchs_interval():
    values = np.array([[1.0, 2.0, 3.0, np.nan], [5.0, 5.5, 6.0, 6.5]])
    found = difference(values)
    assert found.mean == pytest.approx((2.0 + 5.75) / 2)
    assert found.seeds == 3
    # scipy's own interval of a sum of two means of unequal variance: twice this mean is such a sum.
    from scipy.stats import ttest_ind

    interval = ttest_ind(values[1], -values[0, :3], equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low / 2, interval.high / 2))


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[1.0, 1.0, 1.0]], [[1.0, 2.0, np.nan]]])
def test_without_three_seeds_or_spread_there_is_no_interval(values):
    found = difference(np.array(values))
    assert np.isnan(found.low)
    assert not found.told_apart
    assert found.mean == pytest.approx(np.nanmean(values))


@pytest.mark.parametrize("collapse", [0.0, 0.05])
def test_equal_pruners_are_seldom_told_apart(collapse):
    """In 200 studies of equal pruners, at most 5 % (and chance) tell any two apart."""
    random = np.random.default_rng(3)
    wrong = 0
    for _ in range(200):
        spread = random.uniform(0.3, 3, (6, 3, 1))
        values = 80 + random.normal(0, 1, (1, 3, 5)) + spread * random.normal(0, 1, (6, 3, 5))
        values -= 30 * (random.random(values.shape) < collapse)
        apart = np.apply_along_axis(lambda cell: collapsed((cell / 100).tolist()), 2, values)
        found = all_pairs(np.where(apart, np.nan, values))
        wrong += any(each.told_apart for each in found.values())
    # 10 are expected at most; 18 or more have a probability of 1 %.
    assert wrong < 18


def test_true_differences_are_found_and_groups_are_those_not_told_apart():
    random = np.random.default_rng(0)
    means = np.array([85.0, 84.9, 75.0, 74.9])[:, None, None]
    values = means + random.normal(0, 1, (1, 3, 5)) + random.normal(0, 0.4, (4, 3, 5))
    pairs = all_pairs(values)
    assert groups(pairs) == [[0, 1], [2, 3]]
    assert pairs[0, 2].low > 8
    assert pairs[0, 2].high < 12


def test_the_ranking_pools_budgets_and_models_and_leaves_variants_out(study):
    document = read(study / "ranking.json")
    assert [(each["kind"], each["budget"]) for each in document["rankings"]] == [("flops", 2), ("flops", 8)]
    found = document["rankings"][1]
    assert (found["models"], found["targets"], found["seeds"]) == (list(MODELS), ["0.5", "0.125"], 5)
    assert [own["pruner"] for own in found["pruners"]][-1] == "GroupRandomPruner"
    assert found["pruners"][-1]["accuracy"] == pytest.approx(74, abs=0.2)
    assert found["pruners"][-1]["accuracies"]["vgg16"]["0.125"] == pytest.approx(72, abs=0.2)
    alike, apart = found["groups"]
    assert (set(alike), apart) == ({"GroupL1Pruner", "TaylorPruner"}, ["GroupRandomPruner"])
    (variant,) = found["variants"]
    assert (variant["variant_of"], variant["difference"]["told_apart"]) == ("TaylorPruner", True)
    assert variant["difference"]["mean"] == pytest.approx(-20, abs=0.2)
    assert (variant["nets"], variant["alike"]) == (20, 0)


@pytest.mark.parametrize(("params", "alike"), [(1000.0, 20), (900.0, 0)])
def test_nets_that_are_the_same_are_counted(params, alike):
    def as_taylor(row):
        noise = 0.01 * row["seed"] + (0.1 if row["target"] == "flops-0.5" else 0)
        size = params if row["pruner"] == "TaylorOther" else 1000.0
        same = {f"performance_finetuned_{epochs}": 0.5 + noise for epochs in (2, 8)}
        return row | same | {"params_compact": size}

    found = next(rankings(cells(changed=as_taylor), VARIANTS))
    assert [(each.nets, each.alike) for each in found.variants] == [(20, alike)]


def test_intervals_of_variants_hold_together():
    alone, both = (
        next(rankings(cells(), variants)).variants
        for variants in (VARIANTS, VARIANTS | {"GroupRandomPruner": "GroupL1Pruner"})
    )
    assert both[0].difference.mean == alone[0].difference.mean
    assert both[0].difference.low < alone[0].difference.low


def test_a_collapsed_net_is_set_apart_and_counted():
    def fallen(row):
        place = (row["model"], row["seed"], row["pruner"], row["target"])
        fell = place == ("vgg16", 0, "TaylorPruner", "flops-0.5")
        return row | {"performance_finetuned_8": 0.1} if fell else row

    whole, found = (list(rankings(cells(changed=change), VARIANTS))[1] for change in (dict, fallen))
    before, after = (
        next(own for own in each.competitors if own.name == "TaylorPruner") for each in (whole, found)
    )
    assert (before.collapsed, after.collapsed) == (0, 1)
    # Seed 0 has the lowest accuracies.
    assert after.mean == pytest.approx(before.mean + 0.25, abs=0.1)
    assert after.mean_all == pytest.approx(before.mean - 74 / 20, abs=0.2)


def test_a_pruner_without_nets_at_a_budget_is_left_out_by_name():
    def infeasible(row):
        # Its variant, too, which is not ranked in any case.
        lacking = row["pruner"].startswith("Taylor") and row["target"] == "flops-0.125"
        return row | {f"performance_finetuned_{epochs}": None for epochs in (2, 8)} if lacking else row

    found = next(rankings(cells(changed=infeasible), VARIANTS))
    assert found.left_out == ["TaylorPruner"]
    assert "TaylorPruner" not in [each.name for each in found.competitors]


def test_variants_without_their_pruner_are_ranked():
    table = cells()
    found = next(rankings(table[table["pruner"] != "TaylorPruner"], VARIANTS))
    assert [each.name for each in found.competitors] == ["GroupL1Pruner", "GroupRandomPruner", "TaylorOther"]
    assert (found.variants, found.left_out) == ([], [])


def test_a_pruner_above_the_first_on_common_seeds_is_named(tmp_path):
    """The last seed is far below; Taylor lacks it, and is worse on all others."""

    def lacking(row):
        if row["seed"] == 4 and row["pruner"] == "TaylorPruner":
            return row | {f"performance_finetuned_{epochs}": None for epochs in (2, 8)}
        lower = 0.1 if row["seed"] == 4 else 0.01 if row["pruner"] == "TaylorPruner" else 0
        return row | {f"performance_finetuned_{n}": row[f"performance_finetuned_{n}"] - lower for n in (2, 8)}

    make(tmp_path, cells(changed=lacking))
    found = read(tmp_path / "ranking.json")["rankings"][0]["pruners"]
    assert [(own["pruner"], own["missing"]) for own in found[:2]] == [
        ("TaylorPruner", 2),
        ("GroupL1Pruner", 0),
    ]
    page = (tmp_path / "ranking.md").read_text()
    assert "On the seeds that both have, GroupL1 is better than\nTaylor, whose mean" in page


def test_without_training_budgets_the_fine_tuning_is_ranked():
    table = cells().drop(columns=["performance_finetuned_2", "performance_finetuned_8"])
    assert [each.budget for each in rankings(table, {})] == [None]


def test_a_study_without_budgets_is_refused(tmp_path):
    table = cells().drop(columns="target").assign(sparsity=0.5)
    with pytest.raises(InputError, match="study mine: nothing to rank; it needs `budgets`"):
        make(tmp_path, table)


def test_a_run_whose_budgets_leave_one_pruner_ends_well(tmp_path, caplog):
    def alone(row):
        return (
            row
            if row["pruner"] == "TaylorPruner"
            else row | {"performance_finetuned_8": None, "performance_finetuned_2": None}
        )

    make(tmp_path, cells(changed=alone))
    assert "fewer than two pruners" in caplog.text
    assert read(tmp_path / "ranking.json")["rankings"] == []
    assert "Nothing is ranked" in (tmp_path / "ranking.md").read_text()
    assert draw_ranking(pd.read_csv(tmp_path / "ranking.csv"), "a title").axes == []


def test_two_seeds_are_ranked_without_intervals(tmp_path, caplog):
    make(tmp_path, cells(seeds=2))
    assert "no intervals" in caplog.text
    found = json.loads((tmp_path / "ranking.json").read_text())["rankings"][0]
    assert [pair["low"] for pair in found["pairs"]] == [None] * 3
    assert len(found["groups"]) == 1


def test_table_and_page_say_what_the_document_says(study):
    document, page = read(study / "ranking.json"), (study / "ranking.md").read_text()
    table = pd.read_csv(study / "ranking.csv", dtype={"groups": str, "target": str})
    assert not table.duplicated(["kind", "budget", "pruner", "model", "target"]).any()
    for found in document["rankings"]:
        rows = table[(table["budget"] == found["budget"]) & (table["model"] == "all")]
        pooled = rows[rows["target"] == "all"].set_index("pruner")
        for own in found["pruners"]:
            assert pooled.loc[own["pruner"], "accuracy"] == own["accuracy"]
            assert f"{own['accuracy']:.2f}" in page
        assert pooled.loc["TaylorOther", "difference"] == found["variants"][0]["difference"]["mean"]
        assert pooled["rank"].dropna().tolist() == [1, 2, 3]
        for number, group in enumerate(found["groups"], start=1):
            assert pooled.index[pooled["groups"] == str(number)].tolist() == group


def test_a_number_changed_by_hand_is_found(study):
    pruners = {name: {} for name in BASES} | {name: {"variant_of": base} for name, base in VARIANTS.items()}
    config = {"models": {name: {} for name in MODELS}, "pruners": pruners}
    root, plan = study.parents[1], SimpleNamespace(config=config, questions="", claims="")
    asked = TableParams(plan, "mine", place=lambda path: str(root / path))
    assert_changes_are_found("ranking.md", asked, root, ("7", "8"))


def test_a_whole_run_ranks_where_the_study_has_budgets_and_three_seeds(default_config):
    budgets = default_config | {"budgets": {"flops": [0.5]}, "seeds": [0, 1, 2]}
    # A variant of a pruner that the study does not have is ranked as one of its own.
    without_base = {"L1FilterPruner": {}, "FPGMPruner": {"variant_of": "L2FilterPruner"}}
    for ranked in (budgets, budgets | {"pruners": without_base}):
        assert "figures/ranking" in figures(Plan(ranked))
    # AutoCompress has no cells under budgets.
    alone = budgets | {"pruners": {"L1FilterPruner": {}, "AutoCompressPruner": {}}}
    varied = budgets | {"pruners": {"L1FilterPruner": {}, "FPGMPruner": {"variant_of": "L1FilterPruner"}}}
    for other in (budgets | {"seeds": [0, 1]}, default_config | {"seeds": [0, 1, 2]}, alone, varied):
        assert "figures/ranking" not in figures(Plan(other))


def test_twenty_budgets_look_different():
    assert len({_look(number) for number in range(20)}) == 20


def test_the_figure_has_accuracies_distances_and_groups(study, tmp_path):
    table = pd.read_csv(study / "ranking.csv", dtype={"groups": str})
    figure = draw_ranking(table, "a title")
    assert len(figure.axes) == 2 * 3
    accuracies, distances, together = figure.axes[3:]
    labels = [label.get_text() for label in accuracies.get_yticklabels()]
    assert labels[-1] == "random channels"
    largest = accuracies.get_lines()[0]
    assert list(largest.get_xdata())[-1] == pytest.approx(76, abs=0.2)
    hollow = [line for line in accuracies.get_lines() if line.get_markerfacecolor() == "none"]
    assert [list(line.get_ydata()) for line in hollow] == [[labels.index("Taylor")]] * len(TARGETS)
    assert distances.get_lines()[1].get_xdata()[0] == 0
    assert [list(line.get_ydata()) for line in together.get_lines()] == [[0, 1], [2]]
    outputs = {kind: tmp_path / f"a.{kind}" for kind in ("png", "svg", "pdf")}
    again = []
    for _ in range(2):
        params = {"dataset": "digits", "study": "mine", "titled": True}
        plot_ranking(Job({"table": study / "ranking.csv"}, outputs, params))
        again.append([path.read_bytes() for path in outputs.values()])
    assert again[0] == again[1]
