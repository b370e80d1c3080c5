"""The kept study of criteria and its page."""

import json
import shutil
import subprocess
import tarfile

import pytest
import yaml
from checkout import REPOSITORY
from docs_scripts import load

FOLDER = REPOSITORY / "docs/criteria"
STUDY = "studies/ranking.yaml"


@pytest.fixture(scope="module")
def writer():
    return load("criteria/write_page")


@pytest.fixture(scope="module")
def studies(writer):
    return writer.studies()


def test_every_number_of_the_page_is_from_the_tables(writer, studies):
    assert (FOLDER / "README.md").read_text() == writer.page(studies)


def test_kept_rankings_are_those_of_the_cells(writer, studies):
    for study in map(writer.Study, studies):
        kept = json.loads((study.results / "ranking.json").read_text())
        assert kept == json.loads(json.dumps(study.document))


def test_a_changed_table_changes_the_page(writer, monkeypatch, tmp_path):
    shutil.copytree(FOLDER / "results", tmp_path / "results")
    table = tmp_path / "results/vgg16/comparison.csv"
    lines = table.read_text().splitlines(keepends=True)
    changed = [line.replace(",0.8", ",0.7") if "TaylorPruner" in line else line for line in lines]
    table.write_text("".join(changed))
    monkeypatch.setitem(writer.RESULTS, "ranking", tmp_path / "results")
    assert (FOLDER / "README.md").read_text() != writer.page(writer.studies())


def test_the_study_is_the_one_that_was_written_before_its_first_cell():
    with tarfile.open(FOLDER / "results/ranking.tar.xz") as archive:
        documents = (entry for entry in archive if entry.name.endswith(("finetune.json", "baseline.json")))
        versions = {
            json.load(archive.extractfile(entry))["provenance"]["code"]["version"] for entry in documents
        }
    (version,) = versions
    command = ["git", "show", f"{version.split('+')[1]}:{STUDY}"]
    shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if shown.returncode:
        pytest.skip("needs the repository's history")
    now = (REPOSITORY / STUDY).read_text()
    # The rules that were fixed are in its comments.
    assert yaml.safe_load(shown.stdout) == yaml.safe_load(now)
    assert shown.stdout.partition("\nstudy:")[0] == now.partition("\nstudy:")[0]
