"""What `validate` finds in a finished study that somebody changed."""

import copy
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from checkout import REPOSITORY, Checkout
from edits import every_edit

from filterbench.documents import read
from filterbench.integrity.agreement import disagreements, other_costs
from filterbench.integrity.findings import Report
from filterbench.integrity.listed import other_files
from filterbench.integrity.settings import other_settings
from filterbench.integrity.study import documents_in
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan
from filterbench.stages.differences import differences
from filterbench.stages.validate import study_findings, validate
from filterbench.stages.verdicts import verdicts
from filterbench.storage.errors import InputError
from filterbench.study.cells import pruner_arguments, search_settings
from filterbench.study.paths import MANIFEST, SUMS, VERDICT, baseline_folder

# Random changes in all; `make torture` has more.
ROUNDS = int(os.environ.get("FILTERBENCH_ROUNDS", "300"))
# Single edits of files beside a manifest; all where it is larger than there are.
EDITS = int(os.environ.get("FILTERBENCH_EDITS", "500"))
KINDS_OF_EDITS = {
    "removed",
    "folder",
    "emptied",
    "cut off",
    "bit",
    "exchanged",
    "added",
    "nobody asked",
    "number",
    "row removed",
    "row doubled",
    "row of words",
}
CELL = "results/smoke/resnet18/seed-0/{pruner}/0.5"
NOT_JSON = ("NaN", "Infinity", "-1e999")


@pytest.fixture(scope="module")
def plan() -> Plan:
    config = yaml.safe_load((REPOSITORY / "studies/smoke.yaml").read_text())
    del config["models"]["vgg16"]
    return Plan(config)


@pytest.fixture(scope="module")
def sound(finished, plan, tmp_path_factory) -> Path:
    """The smoke study's two cells of ResNet18, with tables and verdicts of their own."""
    root = tmp_path_factory.mktemp("sound")
    folder = root / "results/smoke"
    shutil.copytree(finished.folder / "results/smoke/resnet18", folder / "resnet18")
    shutil.copytree(finished.folder / "data", root / "data")
    tables = [str(folder / "resnet18/comparison.csv")]
    outputs = {"table": folder / "differences.csv", "images": folder / "mcnemar.csv"}
    cells = [str(root / cell) for cell in plan.cells]
    differences(Job({}, outputs, {"tables": tables, "cells": cells}))
    judged = {"document": folder / "verdicts.json", "page": folder / "verdicts.md"}
    params = {"tables": tables, "source": "study smoke"}
    verdicts(Job({"mcnemar": outputs["images"]}, judged, params))
    return root


def found(plan: Plan, root: Path) -> list[str]:
    return [str(finding) for finding in study_findings(plan, root, Report())]


def first_found(plan: Plan, root: Path) -> str:
    return str(next(study_findings(plan, root, Report()), ""))


def test_a_sound_study_has_no_faults(plan, sound):
    report = Report()
    assert [str(finding) for finding in study_findings(plan, sound, report)] == []
    assert report.missing == report.unfinished == []
    assert report.unchecked == {"studies without a manifest.json": 1}
    assert report.checked["result"] == 2


# Random changes.


def leaves(value, path=()):
    """Every place in a document that holds neither an object nor a list, as a path of keys."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from leaves(child, (*path, key))
    else:
        yield path


def objects(value):
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from objects(child)


def at(document, path):
    for key in path:
        document = document[key]
    return document


def another_digit(text: str, dice: random.Random) -> str:
    places = [index for index, letter in enumerate(text) if letter.isdigit()]
    place = dice.choice(places)
    digit = dice.choice([digit for digit in "0123456789" if digit != text[place]])
    return f"{text[:place]}{digit}{text[place + 1 :]}"


def with_another_digit(document: dict, dice: random.Random) -> str | None:
    number = [
        path for path in leaves(document) if any(letter.isdigit() for letter in str(at(document, path)))
    ]
    *path, key = dice.choice(number)
    place = at(document, path)
    old = place[key]
    text = another_digit(str(old), dice)
    try:
        place[key] = text if isinstance(old, str) else type(old)(text)
    except ValueError:
        return None
    return json.dumps(document) if place[key] != old else None


def with_another_type(document: dict, dice: random.Random) -> str | None:
    *path, key = dice.choice(list(leaves(document)))
    place = at(document, path)
    old = place[key]
    place[key] = dice.choice([None, "x", [], {}, [old], {"x": old}, str(old), -1, 10**18, 1.5, True])
    return json.dumps(document) if place[key] != old or type(place[key]) is not type(old) else None


def without_a_key(document: dict, dice: random.Random) -> str | None:
    place = dice.choice([each for each in objects(document) if each])
    del place[dice.choice(list(place))]
    return json.dumps(document)


def with_one_key_more(document: dict, dice: random.Random) -> str:
    dice.choice(list(objects(document)))[dice.choice(["x", "cell", "infeasible", "seed"])] = "more"
    return json.dumps(document)


def with_no_number(document: dict, dice: random.Random) -> str:
    *path, key = dice.choice(list(leaves(document)))
    at(document, path)[key] = "@"
    return json.dumps(document).replace('"@"', dice.choice(NOT_JSON))


def cut_off(document: dict, dice: random.Random) -> str:
    text = json.dumps(document)
    return text[: dice.randrange(len(text))]


CHANGES = (
    with_another_digit,
    with_another_digit,
    with_another_digit,
    with_another_type,
    without_a_key,
    with_one_key_more,
    with_no_number,
    cut_off,
)


def changed(path: Path, others: list[Path], dice: random.Random) -> str | None:
    """A document's text with one random change; None where the dice changed nothing."""
    original = json.loads(path.read_text())
    if dice.random() < 0.1:
        swapped = dice.choice([other for other in others if other != path])
        text = swapped.read_text()
        return None if json.loads(text) == original else text
    text = dice.choice(CHANGES)(copy.deepcopy(original), dice)
    try:
        return None if text is None or json.loads(text) == original else text
    except ValueError:
        return text


@pytest.mark.parametrize("part", range(2))
def test_every_random_change_is_found(part, plan, sound):
    dice = random.Random(part)
    documents = [path for path in documents_in(sound / "results/smoke") if path.name != VERDICT]
    done = 0
    while done < ROUNDS // 2:
        path = dice.choice(documents)
        if (text := changed(path, documents, dice)) is None:
            continue
        before = path.read_bytes()
        path.write_text(text)
        try:
            reason = first_found(plan, sound)
        finally:
            path.write_bytes(before)
        assert reason, f"{path}: not found: {text}"
        done += 1


# Changes that a person makes.


@pytest.fixture
def study(sound, tmp_path) -> Path:
    shutil.copytree(sound, tmp_path / "study")
    return tmp_path / "study"


def edit(path: Path, *keys, value) -> None:
    document = json.loads(path.read_text())
    at(document, keys[:-1])[keys[-1]] = value
    path.write_text(json.dumps(document))


def test_a_better_accuracy_in_a_result_is_found(plan, study):
    path = study / CELL.format(pruner="L1FilterPruner") / "result.json"
    edit(path, "performance", "finetuned", value=0.99)
    reasons = found(plan, study)
    assert any(f"{path}: $.performance.finetuned: 0.99, but" in reason for reason in reasons), reasons


def test_a_setting_on_one_side_alone_is_found(plan, study):
    finetune = study / CELL.format(pruner="AutoCompressPruner") / "finetune.json"
    asking = Plan(copy.deepcopy(plan.config) | {"precision": "bfloat16"})
    reasons = found(asking, study)
    missing = "not there, but the study asks for bfloat16"
    assert f"{finetune}: $.training.settings.precision: {missing}" in reasons
    assert f"{finetune.with_name('prune.json')}: $.search.precision: {missing}" in reasons
    baseline = baseline_folder(finetune.parent) / "baseline.json"
    assert f"{baseline}: $.training.settings.precision: {missing}" in reasons
    edit(finetune, "training", "settings", "precision", value="bfloat16")
    reason = "$.training.settings.precision: bfloat16, but the study does not ask for it"
    assert f"{finetune}: {reason}" in found(plan, study)


def test_other_settings_of_a_search_path_are_found():
    whole = Plan(yaml.safe_load((REPOSITORY / "studies/smoke.yaml").read_text()))
    name, folder = "NetAdaptPruner", Path("results/smoke/vgg16/seed-0/NetAdaptPruner/sparsity")
    asked = pruner_arguments(whole.config, name, "vgg16")
    document = {"arguments": asked, "search": search_settings(whole.config, name, "vgg16")}
    assert list(other_settings(whole, folder, {"trajectory": document})) == []
    document["arguments"] = asked | {"sparsity_per_iteration": 0.1}
    (finding,) = other_settings(whole, folder, {"trajectory": document})
    reason = "$.arguments.sparsity_per_iteration: 0.1, but the study asks for 0.25"
    assert str(finding) == f"{folder}/trajectory.json: {reason}"


def test_another_cost_than_the_search_path_gives_is_found():
    path = {"targets": [{"sparsity": 0.5, "cost": {"evaluations": 6}}, {"sparsity": 0.9, "cost": {}}]}
    prune = {"cell": {"sparsity": 0.5}, "cost": {"evaluations": 6}}
    assert list(other_costs(Path("cell"), prune, path)) == []
    (finding,) = other_costs(Path("cell"), prune | {"cost": {"evaluations": 3}}, path)
    assert str(finding) == (
        "cell/prune.json: $.cost: {'evaluations': 3}, but {'evaluations': 6} in trajectory.json"
    )


@pytest.mark.parametrize(("kept", "said"), [(3, ["3, but 4 channels stay in prune.json"]), (5, [])])
def test_fewer_channels_than_the_masks_leave_are_found_without_weights_too(kept, said):
    layer = {"name": "features.0", "channels": 8}
    documents = {"prune": {"layers": [layer | {"kept": 4}]}, "speedup": {"layers": [layer | {"kept": kept}]}}
    found = disagreements(Path("cell"), documents, {})
    assert [finding.reason for finding in found] == said


def test_a_cell_that_lies_in_another_ones_place_is_found(plan, study):
    one, other = (study / CELL.format(pruner=name) for name in ("L1FilterPruner", "AutoCompressPruner"))
    shutil.copy(other / "finetune.json", one / "finetune.json")
    assert any(
        f"{one / 'finetune.json'}: $.cell.pruner: 'AutoCompressPruner', but it lies where" in reason
        for reason in found(plan, study)
    )


def test_a_missing_cell_is_told_and_a_missing_document_is_a_fault(plan, study):
    shutil.rmtree(study / CELL.format(pruner="AutoCompressPruner"))
    path = study / CELL.format(pruner="L1FilterPruner") / "count.json"
    path.unlink()
    report = Report()
    reasons = [str(finding) for finding in study_findings(plan, study, report)]
    assert report.missing == [CELL.format(pruner="AutoCompressPruner")]
    assert f"{path}: missing beside result.json" in reasons


def test_a_cell_that_is_not_there_yet_is_missing_and_no_fault(plan, study):
    cell = CELL.format(pruner="AutoCompressPruner")
    shutil.rmtree(study / cell)
    report = Report()
    assert list(study_findings(plan, study, report)) == []
    assert report.missing == [cell]


def test_a_training_beyond_the_results_that_is_not_there_yet_is_told_and_no_fault(plan, study):
    for name in ("comparison.json", "comparison.csv", "digests.json"):
        (study / "results/smoke/resnet18" / name).unlink()
    path = study / baseline_folder(Path(CELL.format(pruner="L1FilterPruner"))) / "baseline-finetune.json"
    path.unlink()
    report = Report()
    assert list(study_findings(plan, study, report)) == []
    assert report.unfinished == [path]
    params = {"config": plan.config, "partial": False, "root": str(study), "outdated": {}}
    with pytest.raises(InputError, match=rf"1 of 12 documents are missing \({path}, ...\); run the study"):
        validate(Job({}, {}, params))
    validate(Job({}, {}, params | {"partial": True}))
    assert read(study / "results/smoke" / VERDICT, dict)["unchecked"]["documents that are not made yet"] == 1


def test_other_weights_and_images_are_found(plan, study):
    cell = study / CELL.format(pruner="L1FilterPruner")
    shutil.copy(cell.parents[1] / "baseline/model.safetensors", cell / "speedup.safetensors")
    (cell / "finetune.correct").write_bytes(b"\0" * 13)
    images = study / "data/digits.npz"
    images.write_bytes(images.read_bytes() + b"\0")
    reasons = "\n".join(found(plan, study))
    assert f"finetune.json: $.provenance.inputs.weights: another digest than that of {cell}" in reasons
    assert "finetune.json: $.correct: another digest than that of" in reasons
    assert "$.provenance.inputs.images: another digest" in reasons
    assert f"{cell / 'count.json'}: $.params.speedup: " in reasons


def test_a_table_that_was_touched_up_is_found(plan, study):
    table = study / "results/smoke/resnet18/comparison.csv"
    table.write_text(table.read_text().replace("0.5,", "0.6,", 1))
    assert any(f"{table}: not what its documents give" in reason for reason in found(plan, study))
    table.write_text("what is this")
    assert any(f"{table}: not what its documents give" in reason for reason in found(plan, study))


def test_a_verdict_that_was_touched_up_is_found(plan, study):
    page = study / "results/smoke/verdicts.md"
    page.write_text(page.read_text() + "\n**holds**\n")
    assert any("verdicts.md: not what its documents give" in reason for reason in found(plan, study))


def test_what_lies_behind_a_link_is_looked_at(plan, study):
    cell = study / CELL.format(pruner="L1FilterPruner")
    away = study / "elsewhere"
    shutil.move(cell, away)
    cell.symlink_to(away, target_is_directory=True)
    assert found(plan, study) == []
    edit(away / "result.json", "performance", "finetuned", value=2)
    assert f"{cell / 'result.json'}: $.performance.finetuned: 2 is greater" in found(plan, study)[0]
    (study / "results/smoke/round").symlink_to(study / "results/smoke", target_is_directory=True)
    assert len(found(plan, study)) < 10


def test_what_was_left_out_on_purpose_is_told(plan, study):
    for path in study.rglob("*.safetensors"):
        path.unlink()
    shutil.rmtree(study / "data")
    report = Report()
    assert list(study_findings(plan, study, report)) == []
    assert report.unchecked["digests of files that are not there"] > 5
    assert report.unchecked["counts of weights that are not there"] == 4


def test_brackets_without_end_are_one_line(plan, study):
    path = study / CELL.format(pruner="L1FilterPruner") / "prune.json"
    path.write_text("[" * 200_000)
    assert found(plan, study)[0].startswith(f"{path}: not a JSON document (")


# The manifest of a whole study.


@pytest.fixture(scope="module")
def listed(finished, tmp_path_factory) -> Path:
    """The study's folder as its run left it, with its manifest."""
    folder = tmp_path_factory.mktemp("listed") / "smoke"
    shutil.copytree(finished.folder / "results/smoke", folder)
    return folder


def unlisted(folder: Path) -> str:
    """The first file that is not as the manifest lists it."""
    try:
        manifest = read(folder / MANIFEST)
    except InputError as reason:
        return str(reason)
    return str(next(other_files(folder, manifest, (), Report()), ""))


def test_a_manifest_lists_every_file(listed):
    assert unlisted(listed) == ""
    sums = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=listed, check=False)
    assert sums.returncode == 0
    files = read(listed / MANIFEST)["files"]
    there = {path.relative_to(listed) for path in listed.rglob("*") if path.is_file()}
    seen = {path.as_posix() for path in there if not any(part.startswith(".") for part in path.parts)}
    assert seen - files.keys() == {MANIFEST, SUMS}
    finetune = files["vgg16/seed-0/L1FilterPruner/0.5/finetune.safetensors"]
    assert finetune["rule"] == "finetune"
    assert read(listed / MANIFEST)["settings"][finetune["settings"]]["training"]["epochs"] == 1


def test_every_single_edit_of_a_file_is_found(listed):
    dice = random.Random(0)
    edits = list(every_edit(listed, dice))
    assert {edit.kind for edit in edits} == KINDS_OF_EDITS
    for edit in dice.sample(edits, min(EDITS, len(edits))):
        with edit.made():
            assert unlisted(listed), f"{edit.kind}: {edit.path}"
    assert unlisted(listed) == ""


def test_a_study_without_a_manifest_says_so(plan, study):
    report = Report()
    assert list(study_findings(plan, study, report)) == []
    assert report.unchecked == {"studies without a manifest.json": 1}
    (study / "results/smoke" / SUMS).write_text("")
    assert "manifest.json: missing beside SHA256SUMS" in found(plan, study)[0]


# What documents say beside other files, without a manifest.


def test_numbers_that_other_files_contradict_are_found(plan, study):
    for digests in study.rglob("digests.json"):
        digests.unlink()
    cell = study / CELL.format(pruner="L1FilterPruner")
    edit(cell / "finetune.json", "performance", "finetuned", value=0.99)
    edit(cell / "count.json", "flops", "speedup", value=1)
    edit(cell / "prune.json", "sparsity", "reached", value=0.4)
    edit(cell / "speedup.json", "images", "chance", value=0.2)
    edit(cell / "speedup.json", "provenance", "inputs", value={})
    searched = study / CELL.format(pruner="AutoCompressPruner") / "prune.json"
    edit(searched, "scores", "best", value=1)
    edit(searched, "provenance", "inputs", "others", value="0" * 64)
    baseline = baseline_folder(cell) / "baseline.json"
    edit(
        baseline,
        "training",
        "best_epoch",
        value=3 - json.loads(baseline.read_text())["training"]["best_epoch"],
    )
    reasons = "\n".join(found(plan, study))
    for place in (
        "finetune.json: $.performance.finetuned: 0.99, but finetune.correct has",
        "count.json: $.flops.speedup: 1, but",
        "prune.json: $.sparsity.reached: 0.4, but its layers come to",
        "speedup.json: $.images.chance: 0.2, but its evidence gives",
        "speedup.json: $.provenance.inputs.weights: missing",
        "prune.json: $.scores.best: 1, but its evidence gives",
        "prune.json: $.provenance.inputs.others: no document of this kind has such an input",
        "baseline.json: $.training.best_epoch: ",
    ):
        assert place in reasons, reasons


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"round_channels": 8}, "prune.json: $.round_channels: 1, but the study asks for 8"),
        ({"dataset": {"test_images": 90}}, "$.images.test: 100, but its evidence gives 90"),
        ({"finetune": {"tuning": {"learning_rate": [0.1, 0.2]}}}, "finetune.json: $.tuning: "),
    ],
)
def test_a_study_that_was_changed_after_its_run_is_found(change, said, plan, sound):
    config = copy.deepcopy(plan.config)
    for key, value in change.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    assert any(said in reason for reason in found(Plan(config), sound))


@pytest.mark.parametrize("name", ["result.json", "finetune.correct", "speedup.safetensors", "search.csv"])
def test_a_folder_in_the_place_of_a_file_is_no_traceback(name, plan, study):
    path = study / CELL.format(pruner="AutoCompressPruner") / name
    path.unlink()
    path.mkdir()
    report = Report()
    reasons = [str(finding) for finding in study_findings(plan, study, report)]
    assert any(str(path) in reason for reason in reasons), reasons


def test_an_integer_of_300_digits_is_refused(plan, study):
    path = study / CELL.format(pruner="L1FilterPruner") / "prune.json"
    path.write_text(path.read_text().replace('"cores": ', '"cores": ' + "9" * 300))
    assert f"{path}: not a JSON document (an integer of 301 digits is not allowed" in found(plan, study)[0]


# On the command line.


@pytest.fixture
def again(finished, tmp_path) -> Checkout:
    return finished.copy(tmp_path / "again")


def test_validate_always_runs_and_after_what_it_judges(again):
    shutil.rmtree(again.folder / "results/smoke/resnet18/seed-0/L1FilterPruner")
    run = again.snakemake("validate")
    assert run.returncode == 1
    assert "1 of 9 cells are missing (results/smoke/resnet18/seed-0/L1FilterPruner/0.5, ...)" in run.stdout
    assert not (again.folder / "results/smoke" / VERDICT).exists()
    assert "run the same command again" not in run.stdout
    run = again.snakemake("validate", "--config", "partial=true")
    assert run.returncode == 0, run.stdout
    verdict = json.loads((again.folder / "results/smoke" / VERDICT).read_text())
    assert verdict["cells"] == {"asked": 9, "missing": 1}
    run = again.snakemake("results", "validate")
    assert run.returncode == 0, run.stdout
    verdict = json.loads((again.folder / "results/smoke" / VERDICT).read_text())
    assert verdict["cells"] == {"asked": 9, "missing": 0}
    assert again.planned("validate") == {"validate": 1}


def test_files_that_no_run_listed_are_listed_on_request(again):
    folder = again.folder / "results/smoke"
    listed = (folder / MANIFEST).read_bytes()
    for name in (MANIFEST, SUMS):
        (folder / name).unlink()
    (folder / "result-better.json").write_text("{}")
    run = again.snakemake("manifest")
    assert run.returncode == 0, run.stdout
    assert f"results/smoke/{MANIFEST}: {len(json.loads(listed)['files'])} files" in run.stdout
    assert (folder / MANIFEST).read_bytes() == listed
    (folder / "mcnemar.csv").write_text("better")
    assert again.snakemake("manifest").returncode == 0
    assert (folder / MANIFEST).read_bytes() == listed


def test_without_a_manifest_validate_names_the_command_that_writes_one(again):
    for name in (MANIFEST, SUMS):
        (again.folder / "results/smoke" / name).unlink()
    run = again.snakemake("validate")
    assert run.returncode == 0, run.stdout
    assert "results/smoke: no manifest.json, so that changed and added files are found only" in run.stdout
    assert "`snakemake --cores 1 manifest` lists the files as they are now" in run.stdout


def test_a_setting_that_no_document_records_is_found(again):
    again.edit("studies/smoke.yaml", "search:\n", "training_budgets: [2]\nsearch:\n")
    again.edit(
        "studies/smoke.yaml", "sparsities: {vgg16: [0.5, 0.95], resnet18: []}", "sparsities: {resnet18: []}"
    )
    run = again.snakemake("validate", "--config", "partial=true")
    assert run.returncode == 1
    table = "results/smoke/resnet18/comparison.csv: made with again {"
    assert table in run.stdout
    assert "results/smoke/vgg16/seed-0/NetAdaptPruner/0.95/" in run.stdout
    assert ": the study does not ask for it; remove it, or ask for it again" in run.stdout


def test_cells_that_the_study_dropped_are_named_and_stop_nothing(again):
    netadapt = "results/smoke/vgg16/seed-0/NetAdaptPruner"
    asked_no_more = "the study does not ask for it; remove it, or ask for it again"
    # Other pruners still have a cell of VGG16 at 0.5.
    again.edit("studies/smoke.yaml", "[0.5, 0.95]", "[0.95]")
    run = again.snakemake("validate", "--config", "partial=true")
    assert run.returncode == 1
    assert f"{netadapt}/0.5/prune.benchmark.tsv: {asked_no_more}" in run.stdout
    assert f"{netadapt}/0.95/prune.benchmark.tsv: {asked_no_more}" not in run.stdout
    again.edit(
        "studies/smoke.yaml", "  NetAdaptPruner:\n", "  NetAdaptPlain:\n    variant_of: NetAdaptPruner\n"
    )
    run = again.snakemake("validate", "--config", "partial=true")
    assert run.returncode == 1
    assert f"{netadapt}/sparsity/trajectory.benchmark.tsv: {asked_no_more}" in run.stdout
    assert "KeyError" not in run.stdout
    # A search path under a budget that the study has no more.
    shutil.rmtree(again.folder / netadapt)
    left = again.folder / netadapt.replace("Pruner", "Plain") / "flops/trajectory.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    run = again.snakemake("manifest")
    assert run.returncode == 0, run.stdout
    files = read(again.folder / "results/smoke" / MANIFEST)["files"]
    assert not [name for name in files if "NetAdapt" in name]
