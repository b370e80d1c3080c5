"""The smoke study through the whole workflow, and what a second run makes of it."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from checkout import Checkout

from filterbench.documents import check, kind_of, parse
from filterbench.documents.search_table import read_search
from filterbench.jobs.version import VARIABLE as VERSION

CELL = "results/smoke/{model}/seed-0/{pruner}/0.5"
PRUNERS = {
    "vgg16": (
        "L1FilterPruner",
        "L2FilterPruner",
        "FPGMPruner",
        "NetAdaptPruner",
        "SimulatedAnnealingPruner",
        "AutoCompressPruner",
    ),
    "resnet18": ("L1FilterPruner", "AutoCompressPruner"),
}
# One cell a pruner, and NetAdapt's second sparsity, which it cannot reach.
CELLS = 9
INFEASIBLE = "results/smoke/vgg16/seed-0/NetAdaptPruner/0.95"
STAGES = ("prune", "speedup", "count", "finetune", "result")
# Two baselines and their fine-tunings, cells, a search path, comparisons and digests, verdicts, the manifest.
DOCUMENTS = 4 + CELLS * len(STAGES) + 1 + 2 * 2 + 2
DOWNSTREAM = {"compare": 2, "plot": 2, "figure": 2, "verdicts": 1, "differences": 1, "all": 1}
ONE_MODEL = ("compare", "plot", "figure", "verdicts", "differences", "all")
SEARCH_FIGURES = {"plot_search": 2, "figure": 6}
REPRUNED = {"plot_search": 1, **dict.fromkeys(ONE_MODEL, 1), "figure": 3}


@pytest.fixture
def again(finished, tmp_path) -> Checkout:
    """A copy of the finished checkout, to change as a test likes."""
    return finished.copy(tmp_path / "again")


def document(checkout: Checkout, path: str) -> dict:
    return json.loads((checkout.folder / path).read_text())


def test_every_target_is_there(finished):
    for model, pruners in PRUNERS.items():
        for suffix in ("png", "svg", "pdf"):
            assert (
                finished.folder / f"figures/performance_comparison_{model}.{suffix}"
            ).stat().st_size > 10_000
        name = f"performance_comparison_{model}.png"
        own = finished.folder / "results/smoke/figures" / name
        assert own.read_bytes() == (finished.folder / "figures" / name).read_bytes()
        for pruner in pruners:
            names = {
                path.name for path in (finished.folder / CELL.format(model=model, pruner=pruner)).iterdir()
            }
            stages = {
                f"{stage}.{kind}"
                for stage in ("prune", "speedup", "finetune")
                for kind in ("json", "safetensors")
            }
            assert stages | {"count.json", "result.json"} <= names


def test_every_document_is_sound(finished):
    documents = list((finished.folder / "results").rglob("*.json"))
    assert len(documents) == DOCUMENTS
    assert [fault for path in documents for fault in check(kind_of(path), parse(path))] == []


def test_the_cost_that_is_told_beforehand_is_what_the_documents_record(again):
    run = again.snakemake("cost")
    assert f"{CELLS} cells, " in run.stdout, run.stdout
    row = re.compile(r"^(\w+) +(\w+Pruner) +(\d+) +(\d+) +(\d+) ", re.MULTILINE)
    told = {(stage, pruner): list(map(int, numbers)) for stage, pruner, *numbers in row.findall(run.stdout)}
    folder = again.folder / "results/smoke"
    assert told["finetune", "L1FilterPruner"] == [2, 2 * 256, 2 * 200]
    for pruner in ("SimulatedAnnealingPruner", "AutoCompressPruner"):
        costs = [parse(path)["cost"] for path in folder.glob(f"*/seed-0/{pruner}/*/prune.json")]
        jobs, trained, evaluated = told["prune", pruner]
        assert jobs == len(costs)
        assert trained == sum(cost["images_trained"] for cost in costs)
        # With the test images of each net; an annealing takes as many candidates as its chance has it.
        assert 100 * jobs < evaluated <= sum(cost["images_evaluated"] + 100 for cost in costs)
    # No net can give the last target: its search ends early.
    (record,) = folder.glob("vgg16/seed-0/NetAdaptPruner/*/trajectory.json")
    assert told["trajectory", "NetAdaptPruner"][1] >= parse(record)["targets"][-1]["cost"]["images_trained"]


def test_an_infeasible_cell_leaves_no_state_behind(finished):
    assert document(finished, f"{INFEASIBLE}/prune.json")["infeasible"]
    assert not [path for path in (finished.folder / INFEASIBLE).iterdir() if path.name.startswith(".")]


def test_a_result_says_what_its_stages_said(finished):
    cell = CELL.format(model="vgg16", pruner="FPGMPruner")
    result, count = (document(finished, f"{cell}/{kind}.json") for kind in ("result", "count"))
    assert result["params"] == count["params"]
    assert result["flops"] == count["flops"]
    for stage, key in (("prune", "pruned"), ("speedup", "speedup"), ("finetune", "finetuned")):
        assert result["performance"][key] == document(finished, f"{cell}/{stage}.json")["performance"][key]


def test_an_infeasible_cell_says_so_everywhere_and_stops_nothing(finished):
    for stage in STAGES:
        reason = document(finished, f"{INFEASIBLE}/{stage}.json")["infeasible"]
        assert "no convolution has" in reason
    table = (finished.folder / "results/smoke/vgg16/comparison.csv").read_text()
    assert reason in table
    figure = (finished.folder / "figures/performance_comparison_vgg16.svg").read_text()
    assert "NetAdapt (infeasible: 0.95" in figure


def test_a_search_says_what_it_tried_and_what_it_cost(finished):
    cell = CELL.format(model="vgg16", pruner="SimulatedAnnealingPruner")
    rows = read_search(finished.folder / cell / "search.csv")
    cost = document(finished, f"{cell}/prune.json")["cost"]
    assert len(rows) == cost["evaluations"] >= 3
    assert cost["images_evaluated"] == 100 * len(rows)
    assert {len(row["sparsities"]) for row in rows} <= set(range(1, 14))
    assert any(row["accepted"] for row in rows)


def test_the_collection_has_every_pruner(finished):
    collection = document(finished, "results/smoke/vgg16/comparison.json")
    assert {pruner: [cell["sparsity"] for cell in cells] for pruner, cells in collection.items()} == {
        pruner: [0.5] for pruner in PRUNERS["vgg16"]
    }


def test_a_second_run_does_nothing(finished):
    assert finished.planned() == {}


def test_a_missing_document_below_sound_tables_is_made_again(again):
    (again.folder / "results/smoke/vgg16/seed-0/L1FilterPruner/0.5/speedup.json").unlink()
    (again.folder / "results/smoke/vgg16/seed-0/baseline/baseline-finetune.json").unlink()
    for planned in (again.planned(), again.planned("results")):
        assert planned["speedup"] == planned["finetune_unpruned"] == 1


def test_latencies_are_measured_on_request_alone(finished):
    assert finished.planned("latencies") == {"latency": CELLS, "latencies": 1}
    figure = "figures/accuracy_against_latency_resnet18.png"
    assert finished.planned(figure) == {"latency": 2, "compare_latency": 1, "figure": 1}
    assert finished.planned("int8") == {"quantize": CELLS, "int8": 1}
    analysed = {"sensitivity": 2, "plot_sensitivity": 2, "figure": 2, "sensitivities": 1}
    assert finished.planned("sensitivities") == analysed
    assert finished.planned("figures/int8_resnet18.png") == {"quantize": 2, "compare_int8": 1, "figure": 1}


def test_what_changes_no_number_reruns_nothing(again):
    """All of it at once; tests/unit/test_code.py has more such changes."""
    for folder in ("workflow", "studies", "envs", "profiles", "."):
        for path in (again.folder / folder).glob("**/*" if folder != "." else "*"):
            if path.is_file():
                os.utime(path)
    again.edit("workflow/filterbench/compaction/speedup.py", '"""From a masked', '"""Onwards from a masked')
    again.edit("workflow/rules/prune.smk", '"""Channel masks', '"""The channel masks')
    package = "workflow/filterbench"
    for room, registry in (("pruners", "PRUNERS"), ("models", "MODELS"), ("data", "DATASETS")):
        entry = {"pruners": "PrunerEntry", "models": "ModelEntry", "data": "DatasetEntry"}[room]
        values = {"pruners": '"me", "a:B"', "models": '"New", 64, "me", "a:b"', "data": '"New", "me", "a:b"'}
        start = f"{registry}: dict[str, {entry}] = {{"
        again.edit(f"{package}/{room}/registry.py", start, f'{start}"new": {entry}({values[room]}),')
    again.edit(
        f"{package}/plotting/style.py",
        '"L1FilterPruner": Style',
        '"n": Style("1", "o", "n"), "L1FilterPruner": Style',
    )
    again.edit(f"{package}/training/loop.py", "the training diverged", "the training went astray")
    again.edit(f"{package}/documents/checking.py", "not a JSON document", "no JSON document")
    assert again.planned() == {}


def test_a_changed_line_of_the_annealing_reruns_its_cells_alone(again):
    again.edit("workflow/filterbench/pruners/search/annealing.py", "magnitude /= 2", "magnitude /= 3")
    assert again.planned() == {**dict.fromkeys(STAGES, 3), **DOWNSTREAM, **SEARCH_FIGURES}


def test_a_changed_argument_reruns_the_cells_of_its_pruner(again):
    again.edit(
        "studies/smoke.yaml", "FPGMPruner:\n", "FPGMPruner:\n    arguments: {dependency_aware: true}\n"
    )
    assert again.planned() == {**dict.fromkeys(STAGES, 1), **REPRUNED}


def test_a_changed_finetune_setting_reruns_the_fine_tuning_alone(again):
    again.edit("studies/smoke.yaml", "learning_rate: 0.02", "learning_rate: 0.03")
    assert again.planned() == {"finetune": CELLS, "finetune_unpruned": 2, "result": CELLS, **DOWNSTREAM}


def test_a_models_own_setting_reruns_that_model_alone(again):
    again.edit("studies/smoke.yaml", "  augment: true\n", "  augment: true\n  models: {vgg16: {epochs: 2}}\n")
    assert again.planned() == {
        "finetune": 7,
        "finetune_unpruned": 1,
        "result": 7,
        **dict.fromkeys(ONE_MODEL, 1),
    }


def test_auto_is_the_cpu_where_there_is_no_gpu(again):
    again.edit("studies/smoke.yaml", "device: cpu", "device: auto")
    assert again.planned() == {}


def test_the_optimism_gap_asks_for_the_same_cells_under_the_other_protocol(finished):
    assert finished.planned("optimism") == {
        "train_baseline": 2,
        "finetune_unpruned": 2,
        "trajectory": 1,
        **dict.fromkeys(STAGES, CELLS),
        "compare": 2,
        "optimism_gap": 2,
        "optimism": 1,
    }


def test_a_changed_line_of_counting_reruns_the_counts_alone(again):
    again.edit(
        "workflow/filterbench/costs/counting.py", 'CONVENTION = "nni-full"', 'CONVENTION = "nni" + "-full"'
    )
    assert again.planned() == {"count": CELLS, "result": CELLS, **DOWNSTREAM}


def test_a_figure_of_another_study_is_not_taken_for_this_ones(again):
    figure = "figures/performance_comparison_vgg16.png"
    assert again.planned(figure) == {}
    again.edit("studies/smoke.yaml", "study: smoke\n", "study: other\n")
    assert again.planned(figure)["figure"] == 1
    (again.folder / "results/smoke").rename(again.folder / "results/other")
    assert again.planned(figure) == {"figure": 1}


def test_a_new_sparsity_makes_its_cells_alone(again):
    again.edit("studies/smoke.yaml", "sparsities: [0.5]\n", "sparsities: [0.5, 0.8]\n")
    assert again.planned() == {**dict.fromkeys(STAGES, 7), **DOWNSTREAM, **SEARCH_FIGURES}


def test_a_sparsity_more_of_a_search_path_makes_its_cells_alone(again):
    again.edit("studies/smoke.yaml", "vgg16: [0.5, 0.95]", "vgg16: [0.5, 0.75, 0.95]")
    assert again.planned() == {"trajectory": 1, **dict.fromkeys(STAGES, 1), **REPRUNED}


@pytest.mark.slow
def test_a_search_path_goes_on_to_a_new_sparsity_and_finished_cells_stay(again):
    def ask(old: str, new: str) -> None:
        again.edit("studies/smoke.yaml", f"vgg16: [{old}]", f"vgg16: [{new}]")

    before = again.documents()
    ask("0.5, 0.95", "0.25, 0.5, 0.75, 0.95")
    assert again.planned() == {"trajectory": 1, **dict.fromkeys(STAGES, 2), **REPRUNED}
    assert again.snakemake("results", "comparisons", "verdicts").returncode == 0
    after = again.documents()
    remade = [name for name, content in before.items() if after[name] != content]
    path = "vgg16/seed-0/NetAdaptPruner/sparsity/trajectory.json"
    assert sorted(set(remade) - {"verdicts.json"}) == ["vgg16/comparison.json", "vgg16/digests.json", path]
    # The record of the search path is that of a study which had all four from the start.
    shutil.rmtree(again.folder / "results/smoke/vgg16/seed-0/NetAdaptPruner")
    assert again.snakemake("results", "comparisons", "verdicts").returncode == 0
    assert again.documents() == after
    # A sparsity that the study drops makes nothing anew but tables and figures.
    ask("0.25, 0.5, 0.75, 0.95", "0.5")
    assert again.planned() == REPRUNED


@pytest.mark.parametrize(
    ("pruners", "removed", "options"),
    [
        (("L1FilterPruner", "NetAdaptPruner"), ".", []),
        # Without hooks each job imports all that it needs itself.
        pytest.param(
            ("AutoCompressPruner",), "seed-0/AutoCompressPruner", ["--no-hooks"], marks=pytest.mark.slow
        ),
    ],
)
def test_the_same_cell_made_again_has_the_same_bytes(again, pruners, removed, options, monkeypatch):
    # As a unit test in the same process leaves it.
    monkeypatch.setenv(VERSION, "of another checkout")
    cells = [CELL.format(model="vgg16", pruner=pruner) for pruner in pruners]
    names = [f"{stage}.json" for stage in STAGES]
    names += [f"{stage}.safetensors" for stage in ("prune", "speedup", "finetune")]
    files = [again.folder / cell / name for cell in cells for name in names]
    before = [path.read_bytes() for path in files]
    shutil.rmtree(again.folder / "results/smoke/vgg16" / removed)
    assert again.snakemake(*(f"{cell}/result.json" for cell in cells), *options).returncode == 0
    assert [path.read_bytes() for path in files] == before


def test_validate_looks_at_documents_of_a_users_own_too(again):
    mine = Path("results/smoke/mine/result.json")
    (again.folder / mine).parent.mkdir()
    sound = document(again, CELL.format(model="vgg16", pruner="FPGMPruner") + "/result.json")
    sound["performance"]["finetuned"] = 1.2
    (again.folder / mine).write_text(json.dumps(sound))
    (again.folder / mine).with_name("notes.json").write_text("{}")
    run = again.snakemake("validate")
    assert run.returncode == 1
    assert f"{mine}: $.performance.finetuned: 1.2 is greater than the maximum of 1" in run.stdout
    assert "mine/notes.json: not the name of a document" in run.stdout
    assert f"{mine}: not listed in manifest.json" in run.stdout
    assert "study smoke: 4 faults in 2 files" in run.stdout


@pytest.mark.parametrize("damage", ["truncated", "foreign"])
def test_damaged_weights_are_one_clear_line_and_nothing_finished_is_lost(again, damage):
    weights = again.folder / "results/smoke/vgg16/seed-0/baseline/model.safetensors"
    foreign = again.folder / "results/smoke/resnet18/seed-0/baseline/model.safetensors"
    content = weights.read_bytes()[:-10] if damage == "truncated" else foreign.read_bytes()
    weights.write_bytes(content)
    kept = {
        path: path.read_bytes()
        for path in (again.folder / "results/smoke/resnet18").rglob("*.*")
        if path.is_file()
    }
    cell = CELL.format(model="vgg16", pruner="L1FilterPruner")
    run = again.snakemake(f"{cell}/result.json", f"{cell.replace('vgg16', 'resnet18')}/result.json")
    assert run.returncode == 1
    assert f"error: {weights.relative_to(again.folder)}: " in run.stdout
    assert "Traceback" not in run.stdout
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_damaged_data_file_is_one_clear_line(again):
    images = again.folder / "data/digits.npz"
    images.write_bytes(images.read_bytes()[:-1000])
    shutil.rmtree(again.folder / "results/smoke/vgg16")
    run = again.snakemake("baselines")
    assert run.returncode == 1
    assert "error: data/digits.npz: not a readable data file" in run.stdout
    assert "Traceback" not in run.stdout
