"""A study of a pruner, a model and a dataset of the user's own, from the templates of the documentation."""

import json
import re
import shutil

import pandas as pd
import pytest
from checkout import REPOSITORY, Checkout, made_once

from filterbench.study.paths import VERDICT

STUDY = "mine/own_study.yaml"
FIGURE = "figures/performance_comparison_small-net.png"
CLAIMS = "results/own/claims.csv"
CELLS = ("prune", "speedup", "count", "finetune", "result")


def with_templates(checkout: Checkout) -> Checkout:
    shutil.copytree(REPOSITORY / "docs/templates", checkout.folder / "mine")
    checkout.edit(STUDY, "../../config.yaml", "../config.yaml")
    return checkout


def make(checkout: Checkout) -> None:
    run = with_templates(checkout).snakemake(FIGURE, CLAIMS, "results/own/page.html", "validate", study=STUDY)
    assert run.returncode == 0, run.stdout
    made = [path for path in (checkout.folder / "results/own").rglob("*.json") if path.name != VERDICT]
    assert f" {len(made)} documents are sound" in run.stdout


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Checkout:
    return made_once(tmp_path_factory, "own", make)


@pytest.mark.slow
def test_a_figure_from_own_code(own):
    assert (own.folder / FIGURE).stat().st_size > 10_000
    cell = own.folder / "results/own/small-net/seed-0/LargestWeightPruner/0.5"
    prune = json.loads((cell / "prune.json").read_text())
    assert prune["arguments"] == {"centred": True}
    assert prune["cell"]["dataset"] == "squares"
    taylor = json.loads((cell.parents[1] / "FilterTaylorPruner/0.5/prune.json").read_text())
    assert (taylor["arguments"], taylor["cost"]["images_evaluated"]) == ({"images": 256}, 256)
    # The narrowest of its layers at half of the width.
    assert json.loads((cell / "count.json").read_text())["params"]["speedup"] == 3 * 9 * 8 + 16 + (
        8 * 9 * 16 + 32 + 16 * 9 * 32 + 64 + 32 * 4 + 4
    )


@pytest.mark.slow
def test_a_papers_point_beside_the_curves(own):
    table = pd.read_csv(own.folder / CLAIMS)
    assert set(table["curve"]) == {
        "L1FilterPruner",
        "FPGMPruner",
        "LargestWeightPruner",
        "FilterTaylorPruner",
    }
    assert set(table["label"]) == {"a paper"}
    # One seed tells nothing of the spread.
    assert set(table["verdict"]) == {"cannot tell"}
    assert '"label":"a paper"' in (own.folder / "results/own/page.html").read_text()


@pytest.mark.slow
def test_a_changed_line_makes_what_it_can_change(own, tmp_path):
    checkout = own.copy(tmp_path / "again")
    assert checkout.planned(FIGURE, CLAIMS, study=STUDY) == {}
    checkout.edit("mine/own_claims.csv", "97.5", "96.5")
    figure = {"plot": 1, "figure": 1}
    assert checkout.planned(FIGURE, CLAIMS, study=STUDY) == figure | {"judged_claims": 1}
    checkout.edit("mine/own_pruner.py", "ranks = weight.abs()", "ranks = 2 * weight.abs()")
    assert checkout.planned(FIGURE, study=STUDY) == {"compare": 1, **figure} | dict.fromkeys(CELLS, 2)
    checkout.edit("mine/own_model.py", "nn.ReLU()", "nn.ReLU6()")
    expected = {"train_baseline": 1, "compare": 1, **figure} | dict.fromkeys(CELLS, 8)
    assert checkout.planned(FIGURE, study=STUDY) == expected
    checkout.edit("mine/own_dataset.py", "uint8(120)", "uint8(150)")
    assert checkout.planned(FIGURE, study=STUDY) == expected | {"prepare_data": 1}


def test_the_templates_are_a_study(checkout):
    planned = with_templates(checkout).planned(FIGURE, study=STUDY)
    assert planned == {"prepare_data": 1, "train_baseline": 1, "compare": 1, "plot": 1, "figure": 1} | (
        dict.fromkeys(CELLS, 8)
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "own_model.py",
            "self.pool(",
            "self.pool(1 + ",
            "small-net: the net cannot be pruned: .*operation add",
        ),
        (
            "own_model.py",
            "(before, channels, 3,",
            "(channels, 3, 3,",
            "small-net: the net cannot be trained: ",
        ),
        (
            "own_model.py",
            "return SmallNet",
            "return SmallNets",
            "small-net: the net cannot be built: NameError",
        ),
        (
            "own_taylor.py",
            "(dim=(1, 2, 3))",
            "(dim=(1, 2, 9))",
            "FilterTaylorPruner: the pruner fails on small-net: Index",
        ),
        (
            "own_pruner.py",
            "        apply_masks(model, masks)\n",
            "",
            "LargestWeightPruner: .* not multiplied into",
        ),
    ],
)
def test_own_code_is_tried_when_the_study_is_read(checkout, file, old, new, said):
    with_templates(checkout).edit(f"mine/{file}", old, new)
    run = checkout.snakemake("--dry-run", FIGURE, study=STUDY)
    assert run.returncode == 1
    assert re.search(f"^error: study own: {said}", run.stdout.splitlines()[-1])


def test_a_mistake_is_one_line(checkout):
    with_templates(checkout).edit(STUDY, "[own_pruner.py,", "[pruner.py,")
    run = checkout.snakemake("--dry-run", FIGURE, study=STUDY)
    assert run.returncode == 1
    note, error = run.stdout.splitlines()[-2:]
    assert note == "note: running own code, as the study or an installed package asks: " + ", ".join(
        ["pruner.py", "mine/own_taylor.py", "mine/own_model.py", "mine/own_dataset.py"]
    )
    assert error.startswith(f"error: {STUDY}: code: pruner.py: there is no file /")
    assert "Traceback" not in run.stdout
