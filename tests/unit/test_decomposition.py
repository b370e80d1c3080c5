"""The kept decomposition study, its page, and what the README says of it."""

import json
import shutil

import pytest
import yaml
from checkout import REPOSITORY
from docs_scripts import load, when_computed

FOLDER = REPOSITORY / "docs/decomposition"
PLAN = "studies/plans/decomposition.yaml"


@pytest.fixture(scope="module")
def writer():
    return load("decomposition/write_page")


@pytest.fixture(scope="module")
def study(writer):
    return writer.Study()


def test_every_number_of_the_page_is_from_the_tables(writer, study):
    assert (FOLDER / "README.md").read_text() == writer.page(study)


def test_the_readme_opens_with_what_was_found(writer, study):
    text = (REPOSITORY / "README.md").read_text()
    assert text == writer.readme(study)
    assert text.index("docs/decomposition/figures/leads_vgg16.png") < text.index("## Start")


def test_a_changed_table_changes_the_page(writer, monkeypatch, tmp_path):
    shutil.copytree(FOLDER / "results", tmp_path / "results")
    table = tmp_path / "results/vgg16/comparison.csv"
    lines = table.read_text().splitlines(keepends=True)
    # One cell less of the first seed.
    table.write_text("".join(lines[:1] + lines[2:]))
    monkeypatch.setattr(writer, "RESULTS", tmp_path / "results")
    assert (FOLDER / "README.md").read_text() != writer.page(writer.Study())


def test_kept_tables_of_leads_are_those_of_the_cells(study):
    kept = json.loads((FOLDER / "results/leads.json").read_text())
    assert kept == json.loads(json.dumps(study.document))


def test_every_document_is_by_code_that_had_the_same_plan():
    now = yaml.safe_load((REPOSITORY / PLAN).read_text())
    for then in when_computed(FOLDER / "results/decomposition.tar.xz", PLAN):
        assert yaml.safe_load(then) == now
