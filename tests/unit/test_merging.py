"""What `merge` reads from folders, compares and puts side by side."""

import json
from pathlib import Path

import pandas as pd
import pytest
from checkout import REPOSITORY

from filterbench.analysis.merged_page import merged_page
from filterbench.analysis.merging import means, on_several
from filterbench.documents import check
from filterbench.domain.targets import Target
from filterbench.integrity.protocols import differences, protocol_of
from filterbench.jobs.job import Job
from filterbench.results.machines import MadeCell, described, refuse_duplicates
from filterbench.stages.merge import merge
from filterbench.storage.errors import InputError
from filterbench.study.cells import Cell
from filterbench.study.extending import study_in
from filterbench.study.submitted import check_folders, folders_named, submission_in

STUDY = {"study": "mine", "dataset": {"name": "cifar10", "folder": "/not/here"}, "from": "a,b", "drop": 1}
WHOLE = study_in(REPOSITORY / "studies/smoke.yaml") | {"study": "mine"}
CELL = {"dataset": "digits", "protocol": "validation", "width": 0.25}
TRAINING = {"epochs": 2, "learning_rate": 0.05}
DOCUMENTS = {
    "vgg16/seed-0/baseline/baseline.json": {
        "cell": CELL,
        "images": {"train": 256, "selection": 100, "test": 100, "chance": 0.1},
        "provenance": {"inputs": {"images": "0" * 64}},
        "training": {"settings": TRAINING},
    },
    "vgg16/seed-0/L1FilterPruner/0.5/prune.json": {"cell": {}, "arguments": {}, "search": {}},
    "vgg16/seed-0/sparse/growing_0.1/sparse.json": {"training": {"settings": TRAINING}},
    "vgg16/seed-0/L1FilterPruner/0.5/finetune.json": {"training": {"settings": TRAINING}},
    "vgg16/seed-0/UniformAllocationPruner/0.5/prune.json": {
        "cell": {},
        "arguments": {"params": 10, "base_algo": "l1"},
    },
}


@pytest.fixture
def submitted(tmp_path) -> Path:
    """A folder with a manifest where one is looked for."""
    results = tmp_path / "given/results/mine"
    results.mkdir(parents=True)
    (results / "manifest.json").write_text("{}")
    return tmp_path / "given"


def test_folders_are_named_between_commas():
    assert folders_named({"from": " a, b,"}) == [Path("a"), Path("b")]
    assert folders_named({}) == []


def test_a_missing_folder_and_one_named_twice_are_refused(tmp_path):
    check_folders({"from": str(tmp_path)}, "study.yaml")
    with pytest.raises(InputError, match="^study.yaml: from: there is no folder no/such; "):
        check_folders({"from": f"{tmp_path},no/such"}, "study.yaml")
    with pytest.raises(InputError, match="is named twice"):
        check_folders({"from": f"{tmp_path},{tmp_path}/../{tmp_path.name}"}, "study.yaml")


def test_a_folder_without_a_study_has_the_configured_one(submitted):
    submission = submission_in(submitted, STUDY)
    assert submission.results == submitted / "results/mine"
    # Neither what the command line asks nor where the images lie on a machine.
    assert submission.config == {"study": "mine", "dataset": {"name": "cifar10"}}


@pytest.mark.parametrize("key", ["code: [own.py]", "__use_yte__: true"])
def test_a_submission_runs_no_code(key, submitted):
    (submitted / "base.yaml").write_text(f"study: mine\n{key}\n")
    (submitted / "study.yaml").write_text("extends: base.yaml\n")
    named = key.partition(":")[0]
    with pytest.raises(InputError, match=rf"study.yaml: {named}: a submission must run no code of its own"):
        submission_in(submitted, STUDY)


def test_a_submission_stays_in_its_folder(submitted):
    (submitted / "study.yaml").write_text("study: ../results/mine\n")
    with pytest.raises(
        InputError, match=r"study.yaml: study: '../results/mine'; allowed: 'mine', the config"
    ):
        submission_in(submitted, STUDY)


def test_a_folder_without_results_of_the_configured_study_is_refused(submitted):
    with pytest.raises(InputError, match=r"results: there is no folder 'yours', the .* study; there: mine"):
        submission_in(submitted, STUDY | {"study": "yours"})


def test_results_without_a_manifest_are_refused(submitted):
    (submitted / "results/mine/manifest.json").unlink()
    with pytest.raises(InputError, match=r"results/mine: no manifest.json"):
        submission_in(submitted, STUDY)


def written(folder: Path, documents: dict) -> Path:
    for name, document in documents.items():
        path = folder / "results/mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    return folder / "results/mine"


def changed(name: str, *keys: str, value) -> dict:
    documents = json.loads(json.dumps(DOCUMENTS))
    place = documents[name]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return documents


@pytest.mark.parametrize(
    ("name", "keys", "value", "said"),
    [
        (
            "baseline/baseline",
            ("training", "settings", "epochs"),
            3,
            "training.settings.epochs is 2 in a, but 3",
        ),
        ("baseline/baseline", ("images", "train"), 512, "images.train is 256 in a, but 512"),
        ("baseline/baseline", ("cell", "protocol"), "test", "protocol is validation in a, but test"),
        ("baseline/baseline", ("cell", "image_size"), 64, "image_size is 32 in a, but 64"),
        ("L1FilterPruner/0.5/prune", ("round_channels",), 8, "round_channels is 1 in a, but 8"),
        (
            "L1FilterPruner/0.5/prune",
            ("cell", "sparse_training"),
            {"strength": 0.1},
            "sparse_training is None in a, but {'strength': 0.1}",
        ),
        ("L1FilterPruner/0.5/prune", ("search",), {"tune_steps": 4}, "search.tune_steps is None in a, but 4"),
        ("UniformAllocationPruner/0.5/prune", ("arguments", "base_algo"), "l2", None),
        ("UniformAllocationPruner/0.5/prune", ("arguments", "params"), 11, None),
    ],
)
def test_each_setting_that_differs_is_named(name, keys, value, said, tmp_path):
    """Those of a matched control come from another cell."""
    first = protocol_of(written(tmp_path / "a", DOCUMENTS), {})
    other = protocol_of(written(tmp_path / "b", changed(f"vgg16/seed-0/{name}.json", *keys, value=value)), {})
    found = differences({"a": first, "b": other})
    file = "/".join(part for part in f"vgg16/{name}.json".split("/") if part not in ("baseline", "0.5"))
    assert found == ([f"{file}: {said} in b"] if said else [])


def test_variants_of_unlike_pruners_do_not_compare(tmp_path):
    documents = {"vgg16/seed-0/Mine/0.5/prune.json": {"cell": {}, "arguments": {}, "search": {}}}
    folders = {
        name: protocol_of(written(tmp_path / name, documents), {"Mine": base})
        for name, base in (("a", "L1FilterPruner"), ("b", "L2FilterPruner"))
    }
    assert differences(folders) == [
        "vgg16/Mine/prune.json: variant_of is L1FilterPruner in a, but L2FilterPruner in b"
    ]


def test_seeds_and_cells_may_differ(tmp_path):
    first = protocol_of(written(tmp_path / "a", DOCUMENTS), {})
    other = {name.replace("seed-0", "seed-1"): each for name, each in DOCUMENTS.items() if "L1" not in name}
    assert differences({"a": first, "b": protocol_of(written(tmp_path / "b", other), {})}) == []


def test_each_sparse_training_has_its_own_settings(tmp_path):
    other = {"vgg16/seed-0/sparse/growing_0.2/sparse.json": {"training": {"settings": {"epochs": 9}}}}
    first = protocol_of(written(tmp_path / "a", DOCUMENTS), {})
    assert differences({"a": first, "b": protocol_of(written(tmp_path / "b", other), {})}) == []


def test_of_tuned_settings_the_combinations_are_compared(tmp_path):
    """Each seed chooses its own among them."""
    name = "vgg16/seed-0/L1FilterPruner/0.5/finetune.json"
    tried = [{"learning_rate": rate, "epochs": 2, "selection_accuracy": 0.5} for rate in (0.05, 0.01)]
    folders = {}
    for folder, rate, trials in (("a", 0.05, tried), ("b", 0.01, tried), ("c", 0.05, tried[:1])):
        settings = {"training": {"settings": TRAINING | {"learning_rate": rate}}, "tuning": trials}
        folders[folder] = protocol_of(written(tmp_path / folder, {name: settings}), {})
    assert differences({key: folders[key] for key in "ab"}) == []
    assert any("tuning is " in line and "in c" in line for line in differences(folders))


def merged(tmp_path: Path, documents: dict, monkeypatch) -> None:
    """`merge` of two folders, of which the second has these documents; both have passed `validate`."""
    for name, own in (("a", DOCUMENTS), ("b", documents)):
        (written(tmp_path / name, own) / "manifest.json").write_text("{}")
    monkeypatch.setattr("filterbench.stages.merge.verdict_on", lambda submission: {})
    merge(Job({}, {}, {"config": WHOLE | {"from": f"{tmp_path}/a,{tmp_path}/b"}}))


def test_unlike_settings_are_refused_with_both_values(tmp_path, monkeypatch, caplog):
    other = changed("vgg16/seed-0/baseline/baseline.json", "training", "settings", "epochs", value=3)
    with pytest.raises(InputError, match="^1 settings differ, as listed above"):
        merged(tmp_path, other, monkeypatch)
    said = f"vgg16/baseline.json: training.settings.epochs is 2 in {tmp_path}/a, but 3 in {tmp_path}/b"
    assert caplog.messages == [said]


def submitted_alone(tmp_path: Path, study: str, monkeypatch, configured: dict = WHOLE) -> None:
    """`merge` of a folder that has passed `validate`, with the smoke study but for these lines."""
    (written(tmp_path / "a", DOCUMENTS) / "manifest.json").write_text("{}")
    (tmp_path / "a/study.yaml").write_text(
        f"extends: {REPOSITORY}/studies/smoke.yaml\nstudy: mine\n{study}\n"
    )
    monkeypatch.setattr("filterbench.stages.merge.verdict_on", lambda submission: {})
    merge(Job({}, {}, {"config": configured | {"from": f"{tmp_path}/a"}}))


NEW_MODEL = "models: {resnet50: {width: 0.0625}}\nonly: {models: [resnet50]}\n"
ALL_FINETUNED = "only: {models: [vgg16], pruners: [L1FilterPruner]}\n"


@pytest.mark.parametrize(
    ("study", "place", "key", "asked", "own"),
    [
        ("dataset: {name: cifar10}", "study", "dataset.name", "digits", "cifar10"),
        ("dataset: {train_images: 512}", "study", "dataset.train_images", 256, 512),
        ("protocol: test", "study", "protocol", "validation", "test"),
        ("models: {vgg16: {width: 0.125}}", "vgg16", "width", 0.0625, 0.125),
        (
            "baseline: {models: {vgg16: {epochs: 1}}}",
            "vgg16/baseline.json",
            "training.settings.epochs",
            2,
            1,
        ),
        (
            f"{NEW_MODEL}baseline: {{epochs: 1}}",
            "resnet50/baseline.json",
            "training.settings.epochs",
            2,
            1,
        ),
        (
            f"{ALL_FINETUNED}finetune: {{epochs: 3}}",
            "vgg16/L1FilterPruner/finetune.json",
            "training.settings.epochs",
            1,
            3,
        ),
        (
            "pruners: {L1FilterPruner: {round_channels: 8}}\nonly: {models: [vgg16]}",
            "vgg16/L1FilterPruner/prune.json",
            "round_channels",
            1,
            8,
        ),
        (
            "pruners: {AutoCompressPruner: {models: {vgg16: {num_iterations: 2}}}}",
            "vgg16/AutoCompressPruner/prune.json",
            "arguments.num_iterations",
            1,
            2,
        ),
    ],
)
def test_a_first_submission_has_the_settings_of_the_configured_study(
    study, place, key, asked, own, tmp_path, monkeypatch, caplog
):
    with pytest.raises(InputError, match="^1 settings differ, as listed above"):
        submitted_alone(tmp_path, study, monkeypatch)
    said = f"{place}: {key} is {asked} in the configured study mine, but {own} in {tmp_path}/a"
    assert caplog.messages == [said]


@pytest.mark.parametrize(
    "study",
    [
        "seeds: [7, 8]\nsparsities: [0.4]\ndevice: cuda",
        "dataset: {folder: /not/here, max_copies: 1}\nround_channels: 1\nprecision: auto",
        "pruners: {Mine: {variant_of: L1FilterPruner, search: {net: masked}, round_channels: 8}}",
        "only: {models: [vgg16], pruners: [L1FilterPruner]}",
        NEW_MODEL,
    ],
)
def test_a_submission_may_have_other_seeds_targets_pruners_and_models(study, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="has no finished cell"):
        submitted_alone(tmp_path, study, monkeypatch)


def test_layers_from_a_file_are_compared_by_its_content(tmp_path, monkeypatch):
    (tmp_path / "layers.yaml").write_text("[0.5]")
    given = {"GivenLayersPruner": {"arguments": {"layers": [0.5]}}}
    for layers, said in (
        (f"{tmp_path}/layers.yaml", "has no finished cell"),
        ("[0.4]", "settings differ, as"),
    ):
        study = f"pruners: {{GivenLayersPruner: {{arguments: {{layers: {layers}}}}}}}"
        with pytest.raises(InputError, match=said):
            submitted_alone(tmp_path, study, monkeypatch, WHOLE | {"pruners": WHOLE["pruners"] | given})


def test_a_folder_without_a_finished_cell_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=rf"^{tmp_path}/a: has no finished cell"):
        merged(tmp_path, DOCUMENTS, monkeypatch)


@pytest.mark.parametrize("place", ["vgg16/seed-0/L2FilterPruner/0.5", "resnet18/seed-0/L1FilterPruner/0.5"])
def test_cells_that_the_study_does_not_name_are_left_out(place, tmp_path, monkeypatch):
    """`validate` does not check their settings."""
    written(tmp_path / "a", {f"{place}/result.json": {}})
    with pytest.raises(InputError, match=r"has no finished cell \(result.json\) of its study"):
        submitted_alone(tmp_path, "only: {models: [vgg16], pruners: [L1FilterPruner]}", monkeypatch)


def test_a_merge_of_no_folder_says_how_to_name_them():
    with pytest.raises(InputError, match="from: no folder is named; name them with --config from="):
        merge(Job({}, {}, {"config": {"study": "mine"}}))


def made(source: str, machine: str, seed: int = 0) -> MadeCell:
    cell = Cell("vgg16", "L1FilterPruner", Target("sparsity", 0.5), seed)
    return MadeCell(Path(source, str(seed)), source, cell, machine, "")


def test_a_cell_made_twice_by_one_machine_is_refused():
    refuse_duplicates([made("a", "one"), made("b", "two"), made("b", "one", seed=1)])
    with pytest.raises(InputError, match=r"^1 cells are there twice from one machine: a/0 and c/0 \(one\); "):
        refuse_duplicates([made("a", "one"), made("b", "two"), made("c", "one")])


def test_a_machine_is_its_processors_and_cores():
    assert described({"cpu": "CPU", "cores": 2, "gpu": "GPU"}, "a") == "GPU, CPU, 2 cores"


def test_machines_that_are_not_recorded_are_those_of_their_folders():
    assert described(None, "a") == "machine not recorded in a"
    assert described(None, "a") != described(None, "b")


@pytest.fixture
def table() -> pd.DataFrame:
    """Three seeds of one machine, one of them of another machine, too, and a cell that is infeasible.

    The third seed is of a later version.
    """
    rows = [("one", 0, 0.5), ("one", 1, 0.6), ("one", 2, 0.7), ("two", 0, 0.52)]
    common = {"model": "vgg16", "pruner": "L1FilterPruner", "params_compact": 10, "flops_compact": 20}
    cells = [
        common
        | {"target": "0.5", "machine": machine, "seed": seed, "performance_finetuned": accuracy}
        | {"versions": "FilterBench 2" if seed == 2 else "FilterBench 1"}
        for machine, seed, accuracy in rows
    ]
    lost = {"target": "0.9", "machine": "two", "seed": 0, "infeasible": "too few layers"}
    lost |= {"versions": "FilterBench 1"}
    return pd.DataFrame([*({**cell, "infeasible": None} for cell in cells), {**common, **lost}])


def test_nothing_is_averaged_over_machines(table):
    one, two, lost = means(table)
    assert (one["machine"], one["seeds"], round(one["accuracy"], 9)) == ("one", [0, 1, 2], 0.6)
    assert one["low"] < 0.6 < one["high"]
    assert (two["machine"], two["accuracy"], two["low"]) == ("two", 0.52, None)
    assert (lost["target"], lost["seeds"], lost["infeasible"], lost["accuracy"]) == ("0.9", [], [0], None)


def test_a_cell_of_two_machines_stands_beside_itself(table):
    (both,) = on_several(table)
    assert both["seed"] == 0
    assert both["accuracies"] == {"one": 0.5, "two": 0.52}
    assert both["range_points"] == pytest.approx(2)


def test_the_page_has_all_of_the_document(table):
    folder = {
        "folder": "a`<b>",
        "study": "mine",
        "manifest": "0" * 64,
        "cells": 5,
        "missing": 1,
        "machines": ["one", "two"],
        "versions": ["FilterBench 1"],
        "unchecked": {"digests": 3},
    }
    document = {"study": "mine", "folders": [folder], "on_several": on_several(table), "means": means(table)}
    assert check("merged", document) == []
    page = merged_page(document)
    assert "| `a'<b>` | mine | 5 | 1 | `one; two` | `FilterBench 1` | 3 digests | 000000000000 |" in page
    assert "| vgg16 | L1FilterPruner | 0.5 | 0 | `two` | 52.00 | 2.00 |" in page
    assert "| L1FilterPruner | 0.5 | `one`; 2 versions | 0, 1, 2 | 60.00 |" in page
    assert "| L1FilterPruner | 0.9 | `two` | infeasible: 0 |" in page
