"""Leads taken apart: from tables that one can check by hand."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from filterbench.analysis.collapses import collapsed
from filterbench.analysis.crossings import crossing, crossings, sentence
from filterbench.analysis.leads import COMPONENTS, PARTS, Lead, leads

AUTO_COMPRESS, ANNEALING = "AutoCompressPruner", "SimulatedAnnealingPruner"
BUDGETS = (2, 8, 32)
AN_EPOCH = 1000
# What the search of AutoCompress cost, in epochs.
SEARCH = 6
# Accuracy in percent of each net: at the training budgets fine-tuned, and from scratch.
FINETUNED = {
    AUTO_COMPRESS: (80, 84, 90),
    "UniformAsAutoCompressPruner": (83, 85, 89),
    "LayersOfAutoCompressPruner": (79, 86, 90),
    "UniformFlopsAsAutoCompressPruner": (70, 75, 80),
}
FROM_SCRATCH = {AUTO_COMPRESS: (74, 76, 79), "UniformAsAutoCompressPruner": (73, 74, 75)}
# The components that they give at 2, 8 and 32 epochs, in points.
LEAD = (-3, -1, 1)
EXPECTED = {
    "lead": LEAD,
    "allocation": (1, 2, 4),
    # 79 - 74 - (83 - 73), 86 - 76 - (85 - 74), 90 - 79 - (89 - 75)
    "inheritance": (-5, -1, -3),
    "trained weights": (1, -2, 0),
    "parts together": LEAD,
    # At 8 epochs the uniform net has 85; at 14, 85 + 4 log(14/8) / log(4); at 38, 89 + 4 log(38/32) / log(4).
    "recovery": (-2, -4 * math.log(14 / 8, 4), -4 * math.log(38 / 32, 4)),
    "lead at equal bill": (-5, -1 - 4 * math.log(14 / 8, 4), 1 - 4 * math.log(38 / 32, 4)),
    "lead at equal FLOPs": (10, 9, 10),
    "lead over scratch": (6, 8, 11),
}


def cells(
    finetuned=FINETUNED, scratch=FROM_SCRATCH, seeds=3, targets=(0.5, 0.9), search=SEARCH, model="vgg16"
) -> pd.DataFrame:
    """Cells whose accuracies are the same but for a percent more per seed, and two less at higher targets."""
    rows = []
    for pruner, accuracies in finetuned.items():
        for target in targets:
            for seed in range(seeds):
                shift = seed - 2 * targets.index(target)
                paid = 0 if pruner.startswith(("Uniform", "LayersOf")) else search * AN_EPOCH
                row = {
                    "model": model,
                    "pruner": pruner,
                    "sparsity": target,
                    "seed": seed,
                    "images_trained": paid,
                }
                for budget, accuracy in zip(BUDGETS, accuracies, strict=True):
                    row[f"performance_finetuned_{budget}"] = (accuracy + shift) / 100
                    row[f"images_after_cut_{budget}"] = budget * AN_EPOCH
                    row[f"images_paid_{budget}"] = budget * AN_EPOCH + paid
                for budget, accuracy in zip(BUDGETS, scratch.get(pruner, ()), strict=False):
                    row[f"performance_scratch_{budget}"] = (accuracy + shift) / 100
                rows.append(row)
    return pd.DataFrame(rows)


def change(table, pruner, column, seed, by, target=None):
    """Add percentage points to cells of a pruner."""
    chosen = (table["pruner"] == pruner) & (table["seed"] == seed)
    if target is not None:
        chosen &= table["sparsity"] == target
    table.loc[chosen, column] += by / 100


def component(found: list[Lead], name: str, budget: int) -> Lead:
    return next(each for each in found if (each.component, each.budget) == (name, budget))


@pytest.fixture(scope="module")
def found() -> list[Lead]:
    return leads(cells())


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize("index", range(3))
def test_a_component_is_the_difference_of_its_nets(found, name, index):
    lead = component(found, name, BUDGETS[index])
    assert lead.nets.values.to_numpy() == pytest.approx(np.full((3, 2), EXPECTED[name][index]))
    assert lead.estimate().mean == pytest.approx(EXPECTED[name][index])


def test_the_parts_add_up_to_the_lead_seed_by_seed():
    table = cells()
    draw = np.random.default_rng(0)
    columns = [name for name in table if name.startswith("performance")]
    table[columns] += draw.normal(0, 0.02, (len(table), len(columns)))
    found = leads(table)
    for budget in BUDGETS:
        parts = sum(component(found, name, budget).nets.values for name in PARTS)
        lead = component(found, "lead", budget).nets.values
        assert np.allclose(parts, lead, rtol=0, atol=1e-9)
        recovered = lead + component(found, "recovery", budget).nets.values
        equal = component(found, "lead at equal bill", budget).nets.values
        assert np.allclose(recovered, equal, rtol=0, atol=1e-9)


def test_a_collapsed_seed_is_set_apart_and_the_means_of_the_parts_still_add_up():
    table = cells(seeds=5)
    change(table, "LayersOfAutoCompressPruner", "performance_finetuned_8", seed=1, by=-40, target=0.9)
    change(table, AUTO_COMPRESS, "performance_finetuned_8", seed=4, by=10)
    # Of the seed that is apart: allocation must leave it out too.
    change(table, AUTO_COMPRESS, "performance_scratch_8", seed=1, by=5)
    found = leads(table)
    lead, parts = component(found, "lead", 8), [component(found, name, 8) for name in PARTS]
    # Its own nets are whole.
    assert (lead.estimate().collapsed, lead.estimate().n) == (0, 5)
    trained = parts[2].estimate()
    assert (trained.n, trained.collapsed) == (4, 1)
    assert trained.mean == pytest.approx((-2 * 3 + 8) / 4)
    assert trained.mean_all == pytest.approx((-2 * 3 + 8 + (-2 + 38) / 2) / 5)
    together = component(found, "parts together", 8).estimate()
    assert together.mean == pytest.approx(sum(each.estimate().mean for each in parts))
    assert together.mean == pytest.approx((-1 * 3 + 9) / 4)
    assert parts[0].estimate().mean == pytest.approx(2)
    # At the other target nothing collapsed.
    assert [parts[2].estimates()[target].collapsed for target in ("0.5", "0.9")] == [0, 1]


def test_pooled_is_the_mean_over_targets_and_targets_stand_beside_it():
    table = cells()
    for seed in range(3):
        change(table, AUTO_COMPRESS, "performance_finetuned_2", seed, by=seed + 4, target=0.9)
    estimates = component(leads(table), "lead", 2).estimates()
    assert {target: each.mean for target, each in estimates.items()} == pytest.approx(
        {"all": -0.5, "0.5": -3, "0.9": 2}
    )


def test_an_annealing_that_trains_nothing_has_no_trained_weights():
    finetuned = {ANNEALING: FINETUNED[AUTO_COMPRESS], "UniformAllocationPruner": (83, 85, 89)}
    scratch = {ANNEALING: (74, 76, 79), "UniformAllocationPruner": (73, 74, 75)}
    found = leads(cells(finetuned, scratch, search=0))
    trained = component(found, "trained weights", 2)
    assert (trained.nets.values == 0).all(axis=None)
    assert "by construction" in trained.note
    assert component(found, "inheritance", 2).estimate().mean == pytest.approx((80 - 74) - (83 - 73))
    # One that trains candidates is not its own layers cut plainly.
    trained = component(leads(cells(finetuned, scratch, search=1)), "trained weights", 2)
    assert trained.estimate().n == 0
    assert "LayersOfSimulatedAnnealingPruner" in trained.why_missing()


def test_what_the_study_does_not_have_is_empty_and_said():
    finetuned = {name: FINETUNED[name] for name in (AUTO_COMPRESS, "UniformAsAutoCompressPruner")}
    found = leads(cells(finetuned, {AUTO_COMPRESS: (74, 76, 79)}, search=9))
    reasons = {
        "lead": "",
        "allocation": "the study has no nets of UniformAsAutoCompressPruner trained from scratch",
        "trained weights": "the study has no cells of LayersOfAutoCompressPruner",
        "lead at equal FLOPs": "the study has no cells of UniformFlopsAsAutoCompressPruner",
        "lead over scratch": "",
        # 41 is more than 1.25 times 32.
        "recovery": "the uniform net would be fine-tuned for up to 41 epochs",
    }
    for name, reason in reasons.items():
        lead = component(found, name, 32)
        assert (lead.estimate().n == 0) == bool(reason), name
        assert reason in lead.why_missing()
        assert bool(reason) == bool(lead.why_missing())
    # Seeds without a net change nothing of it.
    fewer = dataclasses.replace(lead, epochs=lead.epochs.reindex([*lead.epochs.index, "no net"]))
    assert reason in fewer.why_missing()


def test_a_pair_without_a_common_net_has_no_leads():
    table = cells()
    uniform = table["pruner"] == "UniformAsAutoCompressPruner"
    table.loc[uniform & (table["sparsity"] == 0.9), [f"performance_finetuned_{each}" for each in BUDGETS]] = (
        math.nan
    )
    assert {tuple(each.targets) for each in leads(table)} == {("0.5",)}
    assert leads(table[~uniform]) == []


def test_bills_are_those_of_both_nets(found):
    lead = component(found, "lead", 8)
    bills = {name: float(frame.to_numpy().mean()) for name, frame in lead.bills.items()}
    assert bills == {
        "images_after_cut": 8000,
        "images_paid": 14000,
        "images_after_cut_control": 8000,
        "images_paid_control": 8000,
    }


def test_a_lead_crosses_zero_where_its_mean_does():
    # Of three seeds -1 +- 0.1 at 2 epochs, 1 +- 0.1 at 8: zero in the middle of the logarithms, at 4.
    values = np.array([[-1.1, 0.9, 2.9], [-1.0, 1.0, 3.0], [-0.9, 1.1, 3.1]])
    found = crossing((2, 8, 32), values)
    assert found.zeros == pytest.approx([4])
    # Its t interval is the mean +- 4.303 x 0.1 / sqrt(3) everywhere: 0.2484 points, of 2 in a factor of 4.
    ends = 4 * 4 ** (0.2484 / 2), 4 / 4 ** (0.2484 / 2)
    assert found.undecided[0] == pytest.approx((ends[1], ends[0]), abs=1e-3)
    assert found.negative[0] == pytest.approx((2, ends[1]), abs=1e-3)
    assert found.positive[0] == pytest.approx((ends[0], 32), abs=1e-3)
    assert sentence(AUTO_COMPRESS, found) == (
        "AutoCompress's mean lead crosses zero at 4 epochs; it is negative from 2 to 3.37, undecided from "
        "3.37 to 4.75 and positive from 4.75 to 32 epochs."
    )


@pytest.mark.parametrize(
    ("shift", "spread", "said"),
    [
        (2, 0.1, "No crossing between 2 and 8 epochs: the lead is positive throughout."),
        (-2, 0.1, "No crossing between 2 and 8 epochs: the lead is negative throughout."),
        (0.1, 5, "No crossing between 2 and 8 epochs: the lead is undecided throughout."),
    ],
)
def test_without_a_crossing_the_sentence_says_what_the_lead_is(shift, spread, said):
    values = shift + spread * np.array([[-1, -1], [0, 0], [1, 1.0]])
    assert sentence(AUTO_COMPRESS, crossing((2, 8), values)) == said


def test_too_few_seeds_give_no_interval_of_a_crossing():
    found = crossing((2, 8), np.array([[-1, 1], [-2, 2.0]]))
    assert found.undecided == found.positive == found.negative == []
    assert sentence(AUTO_COMPRESS, found) == (
        "Too few seeds for an interval of AutoCompress's mean lead: 2 seeds with nets at every training "
        "budget; at least 3."
    )


def test_crossings_are_pooled_and_by_target_and_leave_collapsed_seeds_out():
    table = cells(seeds=6)
    change(table, AUTO_COMPRESS, "performance_finetuned_8", seed=3, by=-40, target=0.5)
    for budget in BUDGETS:
        change(table, AUTO_COMPRESS, f"performance_finetuned_{budget}", seed=0, by=0.5)
        change(table, AUTO_COMPRESS, f"performance_finetuned_{budget}", seed=1, by=-0.5)
    found = crossings(leads(table))["vgg16", AUTO_COMPRESS]
    assert {target: (each.seeds, each.collapsed) for target, each in found.items()} == {
        "all": (5, 1),
        "0.5": (5, 1),
        "0.9": (6, 0),
    }
    # -1 at 8 epochs, 1 at 32.
    assert found["all"].zeros == pytest.approx([16])


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("collapses", [False, True])
def test_the_undecided_ranges_contain_the_true_crossing_in_95_of_100_studies(seeds, collapses):
    draw = np.random.default_rng(seeds + collapses)
    studies, budgets, covered = 1000, (2, 8, 32), 0
    for _ in range(studies):
        # The leads are -1, 1 and 3: zero at 4 epochs.
        own, uniform = (
            np.array(means) + draw.normal(0, 1, (seeds, 1)) + draw.normal(0, 0.5, (seeds, 3))
            for means in ((79, 84, 89), (80, 83, 86))
        )
        if collapses:
            own[::5] -= 30
        apart = [collapsed(nets / 100) for net in (own, uniform) for nets in net.T]
        found = crossing(budgets, (own - uniform)[~np.any(apart, axis=0)])
        covered += any(low <= 4 <= high for low, high in found.undecided)
    assert 0.93 <= covered / studies <= 0.97
