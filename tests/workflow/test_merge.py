"""Results of two machines, submitted, checked as a pull request is, and put side by side."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from checkout import REPOSITORY, Checkout, made_once
from docs_scripts import load

from filterbench.documents import read

SHARED = "resnet18/seed-0/L1FilterPruner/0.5"
MERGED = "results/merged/smoke"
STUDIES = {
    "alice": "extends: ../../../studies/smoke.yaml\n",
    "bob": "extends: ../../../studies/smoke.yaml\nonly: {models: [resnet18], pruners: [L1FilterPruner]}\n",
}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Checkout:
    """A checkout after a run of one of the smoke study's cells on a machine with another processor."""

    def make(checkout: Checkout) -> None:
        checkout.edit(
            "workflow/filterbench/making/environment.py", '"cpu": _cpu_model()', '"cpu": "Other | CPU"'
        )
        study = checkout.folder / "bob.yaml"
        study.write_text(STUDIES["bob"].replace("../../../", ""))
        run = checkout.snakemake("comparisons", study="bob.yaml")
        assert run.returncode == 0, run.stdout

    return made_once(tmp_path_factory, "elsewhere", make)


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    run = subprocess.run(["git", *own, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout


def committed(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "test")


@pytest.fixture
def empty(tmp_path) -> Checkout:
    """A repository without submissions."""
    checkout = Checkout.fresh(tmp_path / "repository")
    shutil.copytree(REPOSITORY / ".ci", checkout.folder / ".ci")
    shutil.copy(REPOSITORY / ".gitignore", checkout.folder)
    git(checkout.folder, "init", "--quiet")
    committed(checkout.folder)
    return checkout


def submit(source: Checkout, checkout: Checkout, name: str, study: str) -> None:
    """Commit a submission with the results of the smoke study in another checkout."""
    folder = checkout.folder / "submissions/smoke" / name
    load("kept").submit(source.folder / "results/smoke", folder)
    (folder / "study.yaml").write_text(study)
    committed(checkout.folder)


@pytest.fixture
def repository(finished, elsewhere, empty) -> Checkout:
    """A repository with a submission from each machine, of which the last commit adds one."""
    for name, source in (("alice", finished), ("bob", elsewhere)):
        submit(source, empty, name, STUDIES[name])
    return empty


def checked(checkout: Checkout) -> subprocess.CompletedProcess:
    """What the workflow of pull requests runs."""
    return subprocess.run(
        [".ci/submissions", "HEAD~1"],
        cwd=checkout.folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("FILTERBENCH_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_submissions_stand_side_by_side_until_one_is_falsified(repository):
    run = checked(repository)
    assert run.returncode == 0, run.stdout
    document = read(repository.folder / MERGED / "merged.json")
    alice, bob = document["folders"]
    assert (alice["folder"], alice["cells"], alice["missing"]) == ("submissions/smoke/alice", 9, 0)
    assert (bob["folder"], bob["cells"], bob["missing"]) == ("submissions/smoke/bob", 1, 0)
    (other,) = bob["machines"]
    assert other.startswith("Other | CPU, ")
    (both,) = document["on_several"]
    assert (both["model"], both["pruner"], both["target"]) == ("resnet18", "L1FilterPruner", "0.5")
    assert list(both["accuracies"]) == [*alice["machines"], other]
    documents = [repository.folder / each["folder"] / "results/smoke" / SHARED for each in (alice, bob)]
    accuracies = [read(folder / "result.json")["performance"]["finetuned"] for folder in documents]
    assert list(both["accuracies"].values()) == accuracies
    table = pd.read_csv(repository.folder / MERGED / "merged.csv")
    assert table["machine"].value_counts()[other] == 1
    assert len(table) == 10
    page = (repository.folder / MERGED / "merged.md").read_text()
    assert "`Other \\| CPU" in page
    assert {path.name for path in (repository.folder / MERGED).glob("*.png")} == {
        "merged_resnet18.png",
        "merged_vgg16.png",
    }
    # Beside the merge, nothing is written: neither in the submissions nor as results of the study.
    assert git(repository.folder, "status", "--porcelain", "--", "submissions") == ""
    assert [path.name for path in (repository.folder / "results").iterdir()] == ["merged"]

    path = repository.folder / alice["folder"] / "results/smoke" / SHARED / "result.json"
    result = json.loads(path.read_text())
    result["performance"]["finetuned"] = 0.99
    path.write_text(json.dumps(result))
    committed(repository.folder)
    run = checked(repository)
    assert run.returncode == 1
    place = f"submissions/smoke/alice: results/smoke/{SHARED}/result.json: "
    assert f"{place}$.performance.finetuned: 0.99, but {accuracies[0]} in finetune.json" in run.stdout
    assert "in manifest.json: changed after it was made" in run.stdout
    assert "`validate` refuses its results" in run.stdout
    # A merge makes no cells, so that none are missing.
    assert "cells are missing" not in run.stdout
    assert "Traceback" not in run.stdout


def test_a_first_submission_with_other_settings_is_refused(finished, empty):
    """Its own study, which has the configured one's name, agrees with its documents."""
    shutil.copy(empty.folder / "studies/smoke.yaml", empty.folder / "studies/foreign.yaml")
    empty.edit("studies/smoke.yaml", "  epochs: 2\n", "  epochs: 100\n")
    committed(empty.folder)
    submit(finished, empty, "alice", "extends: ../../../studies/foreign.yaml\n")
    run = checked(empty)
    assert run.returncode == 1
    said = "epochs is 100 in the configured study smoke, but 2 in submissions/smoke/alice"
    assert f"vgg16/baseline.json: training.settings.{said}" in run.stdout
    assert not (empty.folder / MERGED).exists()


@pytest.mark.parametrize(
    "other", ["docs/page.md", ".ci/run", "submissions/README.md", "submissions/smoke/bob/a"]
)
def test_a_pull_request_with_other_files_beside_a_submission_is_refused(other, empty):
    for name in ("submissions/smoke/alice/study.yaml", other):
        file = empty.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("changed")
    committed(empty.folder)
    run = checked(empty)
    assert run.returncode == 1
    assert run.stdout.startswith("error: a pull request adds or changes one submission and nothing else; ")
    assert f"\n{other}\n" in run.stdout


def test_a_file_that_moves_into_a_submission_is_one_beside_it(empty):
    (empty.folder / "submissions/smoke/alice").mkdir(parents=True)
    git(empty.folder, "mv", "config.yaml", "submissions/smoke/alice/study.yaml")
    committed(empty.folder)
    assert checked(empty).stdout.endswith("\nand the files\nconfig.yaml\n")
