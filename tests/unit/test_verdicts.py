"""Comparisons at equal budget, their intervals, and the verdicts on the published conclusions."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from cells import cells

from filterbench.analysis.comparing import ONE_SHOT, compare
from filterbench.analysis.curves import accuracies, accuracy_at
from filterbench.analysis.estimates import over_units, pooled
from filterbench.analysis.mcnemar import exact_test, mcnemar
from filterbench.analysis.power import holm
from filterbench.analysis.published import published_cells
from filterbench.analysis.published_tables import published_names
from filterbench.analysis.report import verdicts_page
from filterbench.analysis.scopes import Verdict
from filterbench.analysis.seeds import t_interval
from filterbench.analysis.verdicts import definitions, verdicts
from filterbench.documents import check
from filterbench.jobs.job import Job
from filterbench.stages.differences import differences as write_differences
from filterbench.storage.correctness import write_correct
from filterbench.storage.errors import InputError

FIVE = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner", "AutoCompressPruner", "SimulatedAnnealingPruner")
ALIKE = dict.fromkeys((*FIVE, "NetAdaptPruner"), 0.9)
# For the verdict on similarity alone: each further pruner takes seconds.
ONE_SHOT_ALIKE = dict.fromkeys(ONE_SHOT, 0.9)
TWO = dict.fromkeys(("L1FilterPruner", "NetAdaptPruner"), 0.9)
# Points: small beside the margin of 0.5.
QUIET = 0.0005
PUBLISHED = pd.concat([published_cells(model) for model in published_names("model")], ignore_index=True)


def judged(table: pd.DataFrame) -> dict[str, Verdict]:
    """The verdicts by key; their document must be sound, which allows no NaN."""
    found = verdicts(table)
    document = {
        "source": "a test",
        "definitions": definitions(),
        "verdicts": [verdict.document() for verdict in found],
    }
    assert check("verdicts", document) == []
    assert "NaN" not in json.dumps(document)
    assert "nan" not in verdicts_page(document).lower().replace("finance", "")
    return {verdict.key: verdict for verdict in found}


def words(table: pd.DataFrame) -> dict[str, str]:
    return {key: verdict.verdict for key, verdict in judged(table).items()}


def reason(table: pd.DataFrame, key: str, scope: str) -> str:
    return next(each.reason for each in judged(table)[key].scopes if each.name == scope)


# Curves.


def test_accuracy_is_linear_between_neighbouring_cells_on_the_logarithm():
    curve = cells({"Good": 0.9}, (0.5, 0.65), (0,), ("a",))
    curve.loc[1, "performance_finetuned"] = 0.8
    far = 1 / 0.35**2
    found = accuracy_at(curve, "params", [4, (4 * far) ** 0.5, far])
    assert found == pytest.approx([0.9, 0.85, 0.8])


def test_no_accuracy_below_the_first_cell_beyond_the_last_or_across_a_wide_gap():
    curve = cells({"Good": 0.9}, (0.5, 0.75), (0,), ("a",))
    # Cells at 4 and 16 times: a gap of 4 times between them.
    found = accuracy_at(curve, "params", [2, 4, 8, 16, 32])
    assert list(np.isnan(found)) == [True, False, True, False, True]


def test_the_curve_starts_at_the_unpruned_net_only_after_the_same_finetuning():
    curve = cells({"Good": 0.9}, (0.3,), (0,), ("a",))
    assert np.isnan(accuracy_at(curve, "params", [1.5])).all()
    tuned = curve.assign(performance_original_finetuned=0.97)
    point = math.log(1.5) / math.log(1 / 0.49)
    assert accuracy_at(tuned, "params", [1, 1.5]) == pytest.approx([0.97, 0.97 - 0.07 * point], abs=1e-5)


def test_pruners_with_the_same_counts_are_compared_at_their_own_cells():
    found = accuracies(published_cells("vgg16"), ["L1FilterPruner", "FPGMPruner"], "params")
    factors = found.index.get_level_values("factor")
    assert len(factors) == 9
    assert factors.max() == pytest.approx(640.28, abs=0.01)
    assert found.iloc[factors.argmax()].to_list() == [0.5573, 0.3683]
    # Other counts: powers of two, as far as no gap is too wide.
    found = accuracies(published_cells("vgg16"), FIVE, "params")
    assert list(found.index.get_level_values("factor")) == [2, 4, 8]


def with_counts_of(table, column):
    """Cells whose counts differ between the values of a column, and are those of both pruners."""
    for number, (_, rows) in enumerate(table.groupby(column)):
        table.loc[rows.index, ["params_compact", "flops_compact"]] += 1000 * number
    return table


def test_pruners_of_equal_counts_that_differ_between_seeds_are_compared_cell_by_cell():
    table = with_counts_of(cells({"Plain": 0.9, "Distilled": 0.91}, (0.5, 0.8), models=("a",)), "seed")
    found = accuracies(table, ["Plain", "Distilled"], "params")
    factors = [1e6 * np.mean([1 / (least + 1000 * seed) for seed in range(3)]) for least in (250_000, 40_000)]
    assert found.index.get_level_values("factor").unique().to_list() == pytest.approx(factors)
    assert len(found) == 6


def test_models_whose_counts_differ_are_compared_between_cells():
    table = with_counts_of(cells({"Plain": 0.9, "Distilled": 0.91}), "model")
    found = accuracies(table, ["Plain", "Distilled"], "params")
    assert list(found.index.get_level_values("factor").unique()) == [4, 8, 16]


# Units and intervals.


def test_seeds_are_the_units_of_a_model_and_models_those_of_all():
    table = cells({"Good": 0.9, "Low": 0.8}, (0.5,))
    table.loc[(table["pruner"] == "Good") & (table["seed"] == 2), "performance_finetuned"] = 0.93
    (within,) = compare(table[table["model"] == "a"], [("Good", "Low")], ["params"]).comparisons
    assert within.differences[4].to_dict() == pytest.approx({"seed 0": 10, "seed 1": 10, "seed 2": 13})
    (across,) = compare(table, [("Good", "Low")], ["params"], "models").comparisons
    assert over_units(across.differences[4]).to_dict() == pytest.approx({"a": 11, "b": 11, "c": 11})
    # Models that all agree say nothing of how far another would lie.
    assert np.isnan(pooled(across.differences, across.apart).low)


def test_only_factors_that_all_units_reach_are_compared():
    table = cells({"Good": 0.9, "Low": 0.8})
    lost = (
        (table["model"] == "b")
        & (table["seed"] == 1)
        & (table["sparsity"] > 0.7)
        & (table["pruner"] == "Low")
    )
    table.loc[lost, "infeasible"] = "out of reach"
    (found,) = compare(table, [("Good", "Low")], ["params"], "models").comparisons
    assert [round(factor, 2) for factor in found.factors] == [2.04, 4, 8.16]


def test_the_interval_is_students():
    # Student 1908, by hand: mean 2, standard error 1/sqrt(3), t(0.975, 2) = 4.302653.
    table = cells({"Good": 0.9, "Low": 0.9}, (0.5,), models=("a",))
    table.loc[table["pruner"] == "Good", "performance_finetuned"] += [0.01, 0.02, 0.03]
    (found,) = compare(table, [("Good", "Low")], ["params"]).comparisons
    estimate = pooled(found.differences, found.apart)
    assert (estimate.low, estimate.high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    (pair,) = compare(table[table["seed"] < 2], [("Good", "Low")], ["params"]).comparisons
    assert np.isnan(pooled(pair.differences, pair.apart).low)


REPEATS = 300
BETWEEN_MODELS, BETWEEN_SEEDS, TRUTH = 2.0, 0.3, 1.0


def simulated(models: int, seeds: int, between_models: float) -> pd.DataFrame:
    """Two pruners whose true difference is a point; each factor is a study of its own.

    Differences vary between models and between seeds of a model, in points.
    """
    draw = np.random.default_rng(11)
    shape = (models, seeds, REPEATS)
    effect = between_models * draw.standard_normal((models, 1, REPEATS))
    difference = TRUTH + effect + BETWEEN_SEEDS * draw.standard_normal(shape)
    index = pd.MultiIndex.from_product(
        [[f"model {number}" for number in range(models)], range(seeds), range(REPEATS)],
        names=["model", "seed", "repeat"],
    )
    common = pd.DataFrame(index=index).reset_index()
    common = common.assign(
        infeasible=None,
        sparsity=common["repeat"],
        **dict.fromkeys(("params_original", "flops_original"), 10_000_000),
        **dict.fromkeys(("params_compact", "flops_compact"), 1_000_000 + common["repeat"]),
    )
    sides = {"One": 0.5 + difference.ravel() / 100, "Other": 0.5}
    return pd.concat(
        [common.assign(pruner=name, performance_finetuned=values) for name, values in sides.items()]
    )


@pytest.mark.parametrize(("models", "seeds"), [(3, 3), (3, 10), (5, 2)])
def test_the_interval_across_models_contains_the_truth_as_often_as_it_says(models, seeds):
    table = simulated(models, seeds, BETWEEN_MODELS)
    (compared,) = compare(table, [("One", "Other")], ["params"], "models").comparisons
    found = [t_interval(over_units(values).to_list()) for _, values in compared.differences.items()]
    assert len(found) == REPEATS
    assert 0.925 < np.mean([low < TRUTH < high for low, high in found]) < 0.975
    # Seeds of all models as if they were independent: the interval is much too narrow.
    wide = table.pivot(index=["model", "seed"], columns=["pruner", "repeat"], values="performance_finetuned")
    mixed = [t_interval(100 * values) for _, values in (wide["One"] - wide["Other"]).items()]
    assert np.mean([low < TRUTH < high for low, high in mixed]) < 0.85


# Verdicts.


def test_pruners_that_are_alike_have_no_advantage_and_are_similar():
    assert words(cells(ALIKE, spread=QUIET)) == {
        "strict-params": "does not hold",
        "equal-flops": "holds",
        "one-shot-similar": "holds",
        "netadapt-compression": "does not hold",
    }


def test_an_advantage_of_the_searching_pruners_is_seen():
    table = cells(ALIKE | {"AutoCompressPruner": 0.93, "SimulatedAnnealingPruner": 0.94}, spread=QUIET)
    found = words(table)
    assert (found["strict-params"], found["equal-flops"]) == ("holds", "does not hold")


def test_one_searching_pruner_alone_is_no_advantage_of_both():
    # Averaged over both, +10 and -4 points would be an advantage.
    table = cells(ALIKE | {"AutoCompressPruner": 1.0, "SimulatedAnnealingPruner": 0.86}, spread=QUIET)
    assert words(table)["strict-params"] == "does not hold"


def test_a_one_shot_pruner_that_falls_behind_is_not_similar():
    assert (
        words(cells(ONE_SHOT_ALIKE | {"FPGMPruner": 0.8}, spread=QUIET))["one-shot-similar"]
        == "does not hold"
    )


def test_differences_of_opposite_signs_do_not_cancel_to_similar():
    table = cells(ONE_SHOT_ALIKE, spread=QUIET)
    fpgm = table["pruner"] == "FPGMPruner"
    table.loc[fpgm & (table["sparsity"] == 0.3), "performance_finetuned"] += 0.05
    table.loc[fpgm & (table["sparsity"] == 0.8), "performance_finetuned"] -= 0.05
    found = judged(table)["one-shot-similar"]
    assert found.verdict == "does not hold"
    pair = found.scopes[-1].comparisons[1]
    assert abs(pair["pooled"]["mean"]) < 0.1
    assert [round(each["mean"]) for each in pair["by_factor"]] == [-5, 0, 0, 0, 5]


def test_the_comparison_that_decides_is_named_not_the_one_with_the_largest_mean():
    table = cells(ONE_SHOT_ALIKE, spread=QUIET, models=("a",), seeds=tuple(range(5)))
    wide = (table["pruner"] == "L1FilterPruner") & (table["sparsity"] == 0.8)
    # Further off, and so uncertain that it refutes nothing.
    table.loc[wide, "performance_finetuned"] += [0.17, -0.05, 0.2, -0.06, 0.1]
    near = (table["pruner"] == "FPGMPruner") & (table["sparsity"] == 0.65)
    table.loc[near, "performance_finetuned"] -= 0.03
    said = reason(table, "one-shot-similar", "a")
    assert "What refutes it: " in said
    assert "minus FPGM, at 8.16 times fewer parameters, +3.0" in said


def test_a_mean_over_budgets_decides_who_is_ahead():
    # Ahead at one strict budget and behind at another: no lead, and none of the two is listed alone.
    table = cells(ALIKE | {"AutoCompressPruner": 0.93, "SimulatedAnnealingPruner": 0.93}, spread=QUIET)
    table.loc[
        (table["sparsity"] == 0.8) & (table["pruner"] == "AutoCompressPruner"), "performance_finetuned"
    ] -= 0.2
    found = judged(table)["strict-params"]
    assert found.verdict == "does not hold"
    assert "AutoCompress minus" in found.scopes[0].reason
    assert "pooled over 8.16 to 25 times fewer parameters" in found.scopes[0].reason
    assert "holds at" not in found.scopes[0].reason


def test_collapsed_nets_are_set_apart_and_named():
    table = cells(ALIKE | {"AutoCompressPruner": 0.93, "SimulatedAnnealingPruner": 0.94}, spread=QUIET,
                  models=("a",), seeds=tuple(range(5)))  # fmt: skip
    fell = (table["pruner"] == "AutoCompressPruner") & (table["seed"] == 3) & (table["sparsity"] == 0.8)
    table.loc[fell, "performance_finetuned"] -= 0.3
    (scope,) = judged(table)["strict-params"].scopes
    assert scope.verdict == "holds"
    assert "Set apart, as a net collapsed: AutoCompress minus L1Filter in 1 seed;" in scope.reason
    first = scope.comparisons[0]["pooled"]
    assert (first["n"], first["collapsed"], round(first["mean"]), round(first["mean_all"])) == (4, 1, 3, 1)


def test_a_collapsed_seed_of_one_model_is_set_apart_across_models():
    table = cells(ALIKE | {"AutoCompressPruner": 0.93, "SimulatedAnnealingPruner": 0.94}, spread=QUIET,
                  seeds=tuple(range(5)))  # fmt: skip
    fell = (table["pruner"] == "AutoCompressPruner") & (table["seed"] == 3) & (table["model"] == "b")
    # At the milder budget the seed is better than the others: it is left out whole.
    table.loc[fell, "performance_finetuned"] += np.where(table.loc[fell, "sparsity"] == 0.8, -0.3, 0.05)
    scope = judged(table)["strict-params"].scopes[-1]
    assert scope.name == "across models"
    assert "Set apart, as a net collapsed: AutoCompress minus L1Filter in 1 seed;" in scope.reason
    first = scope.comparisons[0]["pooled"]
    assert (first["n"], first["collapsed"], round(first["mean"], 1)) == (3, 1, 3.0)
    # Two of three budgets are 5 points better and one 30 worse, in one of 15 pairs of a model and a seed.
    assert first["mean_all"] == pytest.approx(first["mean"] - 20 / 45, abs=0.1)


def test_a_collapsed_seed_does_not_take_a_factor_from_all():
    table = cells({"L1FilterPruner": 0.6, "FPGMPruner": 0.7}, seeds=tuple(range(5)), models=("a",))
    table = table.assign(chance=0.1, test_images=3000)
    table.loc[(table["seed"] == 3) & (table["sparsity"] == 0.8), "performance_finetuned"] = 0.1
    compared = compare(table, [("FPGMPruner", "L1FilterPruner")], ["params"])
    assert compared.guessing == {"params": []}
    assert compared.comparisons[0].factors[-1] == 25
    assert pooled(compared.comparisons[0].differences, compared.comparisons[0].apart).n == 4


def test_what_holds_across_models_but_not_on_one_of_them_stays_open():
    table = cells(ONE_SHOT_ALIKE, spread=QUIET)
    # On one model alone the cells go further, and FPGM falls behind there.
    far = (table["model"] != "a") & (table["sparsity"] > 0.7)
    behind = (table["model"] == "a") & (table["sparsity"] > 0.7) & (table["pruner"] == "FPGMPruner")
    table.loc[behind, "performance_finetuned"] -= 0.2
    found = judged(table[~far])["one-shot-similar"]
    assert {scope.name: scope.verdict for scope in found.scopes} == {
        "a": "does not hold",
        "b": "holds",
        "c": "holds",
        "across models": "holds",
    }
    assert found.verdict == "cannot tell"


def test_one_seed_is_not_asked():
    found = judged(cells(ALIKE | {"FPGMPruner": 0.7}, seeds=(0,), models=("a",)))
    keys = ("strict-params", "equal-flops", "one-shot-similar")
    assert {found[key].verdict for key in keys} == {"not asked"}
    said = found["one-shot-similar"].scopes[0].reason
    assert said == "An interval needs at least 3 seeds; there is 1."


def test_across_two_models_nothing_is_judged():
    found = judged(cells(ONE_SHOT_ALIKE, spread=QUIET, models=("a", "b")))["one-shot-similar"]
    assert [scope.name for scope in found.scopes] == ["a", "b"]
    assert found.verdict == "holds"
    apart = cells(ONE_SHOT_ALIKE, spread=QUIET, models=("a", "b"))
    apart.loc[(apart["model"] == "a") & (apart["pruner"] == "FPGMPruner"), "performance_finetuned"] -= 0.1
    assert words(apart)["one-shot-similar"] == "not asked"


def test_nets_at_chance_give_no_verdict():
    table = cells(dict.fromkeys(ONE_SHOT, 1 / 3), spread=QUIET).assign(chance=1 / 3, test_images=3000)
    found = judged(table)["one-shot-similar"]
    assert found.verdict == "not asked"
    table["performance_finetuned"] = np.where(table["sparsity"] < 0.6, 0.6, 1 / 3)
    found = judged(table)["one-shot-similar"]
    assert "both nets of a pair are at chance there: 8.16, 16 and 25 times" in found.scopes[-1].reason
    # Two points above chance are more than luck on 3,000 images.
    draw = np.random.default_rng(0).standard_normal(len(table))
    table["performance_finetuned"] = 1 / 3 + 0.02 + QUIET * draw
    assert words(table)["one-shot-similar"] == "holds"


def test_a_test_set_whose_images_are_too_coarse_for_the_margin_cannot_tell():
    table = cells(ONE_SHOT_ALIKE, spread=QUIET)
    found = judged(table.assign(test_images=60))["one-shot-similar"]
    (said,) = (scope.reason for scope in found.scopes if scope.name == "across models")
    assert "One of 60 test images is 1.67 points, too coarse for a margin of 0.5 points" in said
    assert found.verdict == "not asked"
    assert words(table.assign(test_images=1000))["one-shot-similar"] == "holds"


def test_similarity_is_not_asked_where_the_spread_would_hide_it_and_says_how_many_seeds_would_decide():
    found = judged(cells(ONE_SHOT_ALIKE, spread=0.003, models=("a",)))["one-shot-similar"]
    assert found.verdict == "not asked"
    (scope,) = found.scopes
    assert 3 < scope.units_needed <= 1000
    assert f"about {scope.units_needed} seeds would decide it for all 15 comparisons together" in scope.reason
    # As many seeds as it asks for do decide.
    many = cells(ONE_SHOT_ALIKE, spread=0.003, models=("a",), seeds=tuple(range(scope.units_needed)))
    assert judged(many)["one-shot-similar"].verdict == "holds"


def test_an_open_lead_says_how_many_seeds_would_decide():
    table = cells(ALIKE | dict.fromkeys(FIVE[3:], 0.94), spread=0.03, models=("a",))
    (scope,) = judged(table)["strict-params"].scopes
    assert scope.verdict == "cannot tell"
    assert f"about {scope.units_needed} seeds would decide it" in scope.reason


def test_a_mean_at_the_margin_would_need_more_units_than_anyone_has():
    table = cells(ALIKE, (0.65,), models=("a",))
    ahead = [0.004, 0.005, 0.006]
    for pruner in FIVE[3:]:
        table.loc[table["pruner"] == pruner, "performance_finetuned"] += ahead
    assert "more than 1000 seeds" in reason(table, "strict-params", "a")


def test_seeds_that_all_agree_give_no_verdict():
    found = judged(cells(ONE_SHOT_ALIKE, models=("a",)))["one-shot-similar"]
    assert found.verdict == "cannot tell"
    assert "All seeds are alike there" in found.scopes[0].reason


def test_a_pruner_without_cells_is_named():
    table = cells(ONE_SHOT_ALIKE, models=("a", "b"))
    table = table[(table["model"] == "b") | (table["pruner"] != "FPGMPruner")]
    assert reason(table, "one-shot-similar", "a") == "There are no cells of FPGM."


def test_conclusions_about_pruners_without_any_cells_are_left_out():
    assert list(judged(cells(TWO, models=("a",)))) == ["netadapt-compression"]
    alone = cells({"L1FilterPruner": 0.9}, models=("a",))
    assert judged(alone) == {}
    assert "No conclusion applies to these cells" in verdicts_page({"source": "a test", "verdicts": []})


def test_net_adapt_is_judged_by_what_it_could_not_reach():
    table = cells(TWO, spread=QUIET)
    far = (table["pruner"] == "NetAdaptPruner") & (table["sparsity"] > 0.5)
    assert words(table[~far])["netadapt-compression"] == "not asked"
    table.loc[far, "infeasible"] = "no convolution has enough weights left"
    table.loc[far, ["performance_finetuned", "params_compact", "flops_compact"]] = math.nan
    found = judged(table)["netadapt-compression"]
    assert found.verdict == "holds"
    # One seed of a model that was not asked for more leaves it open.
    lucky = far & (table["seed"] == 1) & (table["model"] == "a")
    assert words(table[~lucky])["netadapt-compression"] == "not asked"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (None, "NetAdapt, as NNI implements it, does not"),
        ("halve_step=True", "NetAdapt, with halve_step=True in place of the defaults, does not"),
    ],
)
def test_which_net_adapt_is_judged_depends_on_its_arguments(changed, said):
    table = cells(TWO, spread=QUIET).assign(arguments_changed=changed)
    assert said in judged(table)["netadapt-compression"].statement
    assert "NNI" not in judged(table.drop(columns="arguments_changed"))["netadapt-compression"].statement


def test_a_model_on_which_net_adapt_reaches_nothing_is_no_error():
    table = cells(ALIKE, spread=QUIET)
    none = (table["pruner"] == "NetAdaptPruner") & (table["model"] == "a")
    table.loc[none, "infeasible"] = "no convolution has enough weights left"
    table.loc[none, ["performance_finetuned", "params_compact", "flops_compact"]] = math.nan
    found = {scope.name: scope for scope in judged(table)["netadapt-compression"].scopes}
    assert found["a"].verdict == "holds"
    assert "no asked sparsity was reached" in found["a"].reason
    assert found["across models"].verdict == "does not hold"


def test_the_published_cells_alone_decide_nothing():
    found = judged(PUBLISHED)
    assert {verdict.verdict for verdict in found.values()} == {"cannot tell", "not asked"}
    said = {key: {scope.name: scope.reason for scope in verdict.scopes} for key, verdict in found.items()}
    assert said["one-shot-similar"]["vgg16"] == "An interval needs at least 3 seeds; there is 1."
    assert "3 models" in said["one-shot-similar"]["across models"]
    notes = found["equal-flops"].notes
    assert "SimulatedAnnealing on vgg16" in notes[0]
    assert "at 0.6, 0.7, 0.8, 0.9, 0.95 and 0.975" in notes[0]
    assert "SimulatedAnnealing on resnet18" in notes[1]


def test_a_search_is_blind_where_all_its_choices_were():
    choices = {"search_choices": 3, "search_blind_choices": 2, "search_blind": False}
    table = cells(ALIKE, (0.8,), models=("a",)).assign(**choices)
    table.loc[0, ["search_blind_choices", "search_blind"]] = (3, True)
    table.loc[table["pruner"] == "AutoCompressPruner", "search_blind_choices"] = 0
    table.loc[table["pruner"] == "SimulatedAnnealingPruner", "search_blind"] = [True, False, False]
    (note,) = judged(table)["strict-params"].notes
    assert note == (
        "SimulatedAnnealing on a: 6 of 9 choices had no candidate above chance; the search was blind "
        "(no choice had one) in 1 of 3 cells, at 0.8."
    )


# Image by image.


def test_mcnemars_exact_test_counts_images_that_one_net_alone_gets_right():
    one, other = np.array([1] * 9 + [0] + [1] * 10, bool), np.array([0] * 9 + [1] + [1] * 10, bool)
    # Two-sided: 2 * (1 + 10) / 2**10.
    assert exact_test(one, other) == (9, 1, pytest.approx(22 / 1024))
    assert exact_test(one, one) == (0, 0, 1.0)


def test_holms_procedure():
    # Holm 1979: 0.01 * 4, 0.025 * 3, and never below an earlier one, as 0.03 * 2 would be.
    assert holm([0.03, 0.01, 0.9, 0.025]) == pytest.approx([0.075, 0.04, 0.9, 0.075])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])


def test_nets_are_compared_image_by_image_and_corrected_within_their_model():
    right, worse, worst = np.ones(100, bool), np.arange(100) >= 6, np.arange(100) >= 40
    nets = {"L1FilterPruner": right, "L2FilterPruner": right, "FPGMPruner": worse}
    correct = {("a", 0, target, pruner): net for target in ("0.5", "0.8") for pruner, net in nets.items()}
    correct |= {("b", 0, "0.5", pruner): net for pruner, net in {**nets, "FPGMPruner": worst}.items()}
    table = mcnemar(correct)
    assert len(table) == 9
    found = table.set_index(["model", "target", "pruner", "other"])
    row = found.loc[("a", "0.8", "L1FilterPruner", "FPGMPruner")]
    assert (row["images"], row["only_pruner"], row["only_other"]) == (100, 6, 0)
    # Six rows of the model: over all nine rows it would be 7 times p, after the two smaller ones of b.
    assert (row["p"], row["p_holm"]) == pytest.approx((2 / 2**6, 6 * 2 / 2**6))
    assert found.loc[("b", "0.5", "L1FilterPruner", "FPGMPruner"), "p_holm"] == pytest.approx(3 * 2 / 2**40)


def test_the_rule_differences_compares_the_feasible_cells_of_a_study_image_by_image(tmp_path):
    table = cells({"L1FilterPruner": 0.9, "FPGMPruner": 0.8}, (0.5, 0.8), (0, 1), ("vgg16",))
    table = table.assign(test_images=10, target=table["sparsity"].astype(str))
    table.loc[0, "target"], table.loc[0, "sparsity"] = "flops-0.5", None
    table.loc[table["seed"] == 1, "infeasible"] = "out of reach"
    folders = []
    for row in table.itertuples():
        folder = tmp_path / f"results/study/vgg16/seed-{row.seed}/{row.pruner}/{row.target}"
        folders.append(str(folder))
        right = np.arange(10) < (9 if row.pruner == "L1FilterPruner" else 8)
        write_correct(folder / "finetune.correct", right if row.seed == 0 else np.array([], bool))
    table.to_csv(tmp_path / "comparison.csv", index=False)
    outputs = {name: tmp_path / f"{name}.csv" for name in ("table", "images")}
    params = {"tables": [tmp_path / "comparison.csv"], "cells": folders}
    write_differences(Job(inputs={}, outputs=outputs, params=params))
    (row,) = pd.read_csv(outputs["images"]).to_dict("records")
    assert (row["model"], row["seed"], row["target"], row["images"]) == ("vgg16", 0, 0.8, 10)
    assert (row["only_pruner"], row["only_other"], row["p"]) == (1, 0, 1)
    write_correct(tmp_path / folders[1] / "finetune.correct", np.ones(100, bool))
    with pytest.raises(InputError, match=r"0.8/finetune.correct: 13 bytes, but 10 test images need 2"):
        write_differences(Job(inputs={}, outputs=outputs, params=params))
