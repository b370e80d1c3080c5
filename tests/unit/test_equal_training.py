"""Equal training: what is left to train, settings that are tuned, and what cells trained alike say."""

import numpy as np
import pandas as pd
import pytest
import settings
from cells import cells
from test_documents import trained
from torch import nn

from filterbench.analysis.verdicts import verdicts
from filterbench.documents import check, read
from filterbench.domain.spending import images_in_a_pass
from filterbench.jobs.job import Job
from filterbench.making.context import prepare
from filterbench.making.spending import Spending, spending_of, with_total
from filterbench.making.training import train_and_write
from filterbench.models.registry import build_model
from filterbench.pruners.contract import InfeasibleError
from filterbench.stages.plot import plot

FINETUNE = {"epochs": 2, "batch_size": 64}
ONE_SHOT = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner")


@pytest.fixture
def spent(monkeypatch):
    """Of each pruner the images that its search trained on; a text is a reason why it has no net."""
    found = {"L1FilterPruner": 0, "NetAdaptPruner": 900, "AutoCompressPruner": 3000}

    def document(path, kind):
        images = found[path.parent.name]
        cost = {"images_trained": images}
        return {"infeasible": images} if isinstance(images, str) else {"cell": {}, "cost": cost}

    monkeypatch.setattr("filterbench.making.spending.read", document)
    return found


def job_of(pruner: str, equal: dict, tmp_path) -> Job:
    names = equal.get("as", [])
    inputs = {f"reference_{name}": tmp_path / name / "prune.json" for name in names}
    inputs["prune"] = tmp_path / pruner / "prune.json"
    params = {
        "equal": equal,
        "finetune": dict.fromkeys((pruner, *names), FINETUNE),
        "cell": {"pruner": pruner},
    }
    return Job(inputs, {}, params)


def test_the_one_that_trained_most_decides(spent, tmp_path):
    both = {"as": ["NetAdaptPruner", "AutoCompressPruner"]}
    # 130 images are two batches of 64 a pass.
    spending = spending_of(job_of("L1FilterPruner", both, tmp_path), 130)
    assert spending == Spending(asked=3000 + 2 * 128, search=0, images=130)
    assert spending.epochs(FINETUNE) == 25
    assert spending.document(FINETUNE | {"epochs": 25}) == {"asked": 3256, "search": 0, "spent": 3200}
    own = spending_of(job_of("AutoCompressPruner", both, tmp_path), 130)
    assert own.epochs(FINETUNE) == FINETUNE["epochs"]
    spent["AutoCompressPruner"] = "too little is left"
    assert spending_of(job_of("L1FilterPruner", both, tmp_path), 130).asked == 900 + 2 * 128


def test_a_batch_has_at_most_all_images():
    assert images_in_a_pass({"batch_size": 64}, 50) == 50
    assert images_in_a_pass({"batch_size": 64}, 130) == 128


def test_a_number_of_images_decides(spent, tmp_path):
    spending = spending_of(job_of("NetAdaptPruner", {"images": 2000}, tmp_path), 130)
    assert (spending.asked, spending.epochs(FINETUNE)) == (2000, 9)


def test_a_search_that_had_it_all_leaves_nothing(spent, tmp_path):
    with pytest.raises(InfeasibleError, match="the search alone trained on 3000 images"):
        spending_of(job_of("AutoCompressPruner", {"images": 2000}, tmp_path), 130).epochs(FINETUNE)
    spent["NetAdaptPruner"] = "no layer has a filter left"
    with pytest.raises(InfeasibleError, match="NetAdaptPruner: no net at this target"):
        spending_of(job_of("L1FilterPruner", {"as": ["NetAdaptPruner"]}, tmp_path), 130)


def test_the_total_has_the_baselines_training_too(spent, tmp_path):
    baseline = {"epochs": 10, "batch_size": 32}
    spending = spending_of(job_of("AutoCompressPruner", {}, tmp_path), 128)
    assert spending.asked == 3000 + 2 * 128
    assert with_total(baseline, spending) == {"epochs": 10 + 25, "batch_size": 32}


def test_the_tuned_settings_are_those_that_do_best_on_the_images_that_choose(digits_file, tmp_path):
    cell = {
        "study": "tuned",
        "dataset": "digits",
        "protocol": "validation",
        "model": "vgg16",
        "width": 0.0625,
    }
    params = {
        "cell": cell | {"seed": 0, "pruner": "L1FilterPruner", "sparsity": 0.5},
        "limits": {"train": 600, "validation": 100, "test": 100},
        "device": "cpu",
        "tuning": {"learning_rate": [1e-6, 0.05], "epochs": [1, 4]},
    }
    outputs = {"weights": tmp_path / "finetune.safetensors", "document": tmp_path / "finetune.json"}
    outputs["correct"] = tmp_path / "finetune.correct"

    def train(**more):
        context = prepare(Job({"images": digits_file}, outputs, params), threads=1)
        splits = context.splits()
        net: nn.Module = context.place(build_model("vgg16", 0.0625, splits.classes))
        train_and_write(context, splits, net, "finetuned", settings.TRAINING, **more)
        return read(outputs["document"])

    document = train()
    tried = document["tuning"]
    asked = [(1e-6, 1), (1e-6, 4), (0.05, 1), (0.05, 4)]
    assert [(each["learning_rate"], each["epochs"]) for each in tried] == asked
    best = max(tried, key=lambda each: each["selection_accuracy"])
    chosen = document["training"]["settings"]
    assert (chosen["learning_rate"], chosen["epochs"]) == (best["learning_rate"], best["epochs"])
    assert best["learning_rate"] == 0.05
    assert not list(tmp_path.glob(".*"))
    del params["tuning"]["epochs"]
    params["tuning"]["learning_rate"] = [0.05]
    assert "tuning" not in train()


def equal_cells(short: dict[str, float], equal: dict[str, float], spread=0.0004) -> pd.DataFrame:
    """Cells after their own fine-tuning and, drawn anew, at equal training."""
    table, again = (
        cells(short, models=("a",), spread=spread),
        cells(equal, models=("a",))["performance_finetuned"],
    )
    draw = np.random.default_rng(1)
    return table.assign(
        performance_equal=again + spread * draw.standard_normal(len(table)),
        performance_scratch_total=again - 0.02 + spread * draw.standard_normal(len(table)),
        images_trained_after=1000,
        images_trained_equal=4000,
    )


def words(table: pd.DataFrame) -> dict[str, str]:
    return {verdict.key: verdict.verdict for verdict in verdicts(table)}


SHORT = {**dict.fromkeys(ONE_SHOT, 0.85), "AutoCompressPruner": 0.90, "SimulatedAnnealingPruner": 0.86}


def test_a_lead_over_one_sparsity_is_judged_at_as_many_images_and_says_so():
    pair = {"AutoCompressPruner": 0.90, "UniformAsAutoCompressPruner": 0.85}
    table = equal_cells(pair, pair | {"UniformAsAutoCompressPruner": 0.905})
    found = {verdict.key: verdict for verdict in verdicts(table)}["autocompress-beats-uniform-params"]
    assert found.verdict == "does not hold"
    assert "as many images in all" in found.statement
    assert "fewer of them after the last cut" in found.statement
    assert words(equal_cells(pair, pair))["autocompress-beats-uniform-params"] == "holds"
    short = {each.key: each for each in verdicts(table.drop(columns="performance_equal"))}
    assert short["autocompress-beats-uniform-params"].verdict == "holds"
    assert "images" not in short["autocompress-beats-uniform-params"].statement


def test_inherited_weights_are_compared_with_the_same_shape_from_scratch():
    assert words(equal_cells(SHORT, SHORT))["inherited-beats-scratch"] == "holds"


def test_further_conclusions_need_cells_that_they_are_about():
    assert set(words(cells(SHORT, models=("a",)))) == {
        "strict-params",
        "equal-flops",
        "one-shot-similar",
    }
    with_net_adapt = SHORT | {"NetAdaptPruner": 0.88}
    assert "netadapt-compression" in words(cells(with_net_adapt, models=("a",)))


def test_a_search_is_compared_with_chance_and_with_one_sparsity_for_all_layers():
    controls = {"RandomAllocationPruner": 0.85, "UniformAllocationPruner": 0.87, "TunedAnnealingPruner": 0.9}
    found = words(cells(SHORT | controls, models=("a",), spread=0.0004))
    assert found["annealing-beats-random"] == "holds"
    assert found["seeing-beats-blind"] == "holds"
    assert found["simulatedannealing-beats-uniform-params"] == "does not hold"
    assert "simulatedannealing-beats-uniform-flops" not in found


def test_each_searched_pruner_has_a_verdict_of_its_own_and_at_equal_flops_its_own_control():
    pruners = SHORT | {
        "UniformAllocationPruner": 0.87,
        "UniformAsAutoCompressPruner": 0.8,
        "UniformFlopsAsAutoCompressPruner": 0.95,
    }
    found = words(cells(pruners, models=("a",), spread=0.0004))
    assert found["simulatedannealing-beats-uniform-params"] == "does not hold"
    assert found["autocompress-beats-uniform-params"] == "holds"
    assert found["autocompress-beats-uniform-flops"] == "does not hold"


def test_a_search_without_any_net_is_not_compared():
    pruners = SHORT | {"NetAdaptPruner": 0.8, "UniformAsNetAdaptPruner": 0.8}
    table = equal_cells(pruners, pruners)
    table.loc[table["pruner"].str.contains("NetAdapt"), "infeasible"] = "too little is left"
    found = words(table)
    assert found["netadapt-beats-uniform-params"] == "not asked"
    assert found["inherited-beats-scratch"] == "holds"


def test_the_figures_of_equal_training_are_drawn_from_the_table(tmp_path):
    table = equal_cells(SHORT, SHORT)
    table = table[table["model"] == "a"].assign(
        model="vgg16", width=1.0, study="drawn", protocol="validation", test_images=500, seeds=3,
        performance_mean=0.9, performance_std=0.01, performance_low=0.89, performance_high=0.91,
    )  # fmt: skip
    # A cell whose search had more than all the others were to have.
    table.loc[table.index[:3], ["performance_equal", "images_trained_equal"]] = np.nan
    path = tmp_path / "comparison.csv"
    table.to_csv(path, index=False)
    for figure in ("equal_training", "accuracy_against_training"):
        outputs = {name: tmp_path / f"{figure}-{name}.svg" for name in ("png", "svg", "pdf")}
        params = {"model": "vgg16", "figure": figure, "dataset": "digits", "published": False}
        params["titled"] = True
        plot(Job({"table": path}, outputs, params))
        assert "AutoCompress" in outputs["svg"].read_text()


def test_a_matched_control_is_compared_cell_by_cell_however_far_the_cells_lie_apart():
    pair = {"SimulatedAnnealingPruner": 0.9, "UniformAllocationPruner": 0.85}
    table = cells(pair, (0.2, 0.5, 0.9), models=("a",), spread=0.0004)
    table.loc[table["pruner"] == "UniformAllocationPruner", "params_compact"] -= 1000
    found = {verdict.key: verdict for verdict in verdicts(table)}
    (scope,) = found["simulatedannealing-beats-uniform-params"].scopes
    assert scope.verdict == "holds"
    (comparison,) = scope.comparisons
    assert [each["factor"] for each in comparison["by_factor"]] == [1.5625, 4, 100]


def test_two_sparsities_that_leave_the_same_net_are_one_comparison():
    pair = {"SimulatedAnnealingPruner": 0.9, "UniformAllocationPruner": 0.85}
    table = cells(pair, (0.5, 0.65), models=("a",), spread=0.0004)
    table["params_compact"] = 250_000
    found = {verdict.key: verdict for verdict in verdicts(table)}["simulatedannealing-beats-uniform-params"]
    assert [each["factor"] for each in found.scopes[0].comparisons[0]["by_factor"]] == [4]


@pytest.mark.parametrize(
    ("spent", "said"), [(320, []), (321, ["is not the sum of the images"]), (384, ["half an epoch"])]
)
def test_what_was_spent_is_what_was_trained_and_near_what_was_asked(spent, said):
    document = trained(epochs=(spent - 64) // 64)
    document |= {
        "performance": {"equal": 0.5},
        "equal_training": {"asked": 340, "search": 64, "spent": spent},
    }
    faults = check("equal", document)
    assert len(faults) == len(said)
    assert all(word in fault.reason for word, fault in zip(said, faults, strict=True))
