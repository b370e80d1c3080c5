"""The fair comparison, whose documents come with the repository, and its page."""

import shutil

import pytest
import yaml
from checkout import REPOSITORY
from docs_scripts import load

from filterbench.integrity.findings import Report
from filterbench.orchestration.plan import Plan
from filterbench.stages.validate import study_findings

FOLDER = REPOSITORY / "docs/fair-comparison"


@pytest.fixture(scope="module")
def writer():
    return load("fair-comparison/write_page")


@pytest.mark.slow
def test_the_study_is_sound(tmp_path):
    config = yaml.safe_load((REPOSITORY / "studies/fair.yaml").read_text())
    load("kept").unpack(FOLDER / "results/fair.tar.xz", tmp_path / "results/fair")
    report = Report()
    assert [str(finding) for finding in study_findings(Plan(config), tmp_path, report)] == []
    assert report.missing == report.unfinished == []
    assert report.checked.total() > 3000


def test_every_number_of_the_page_is_from_the_documents(writer):
    assert (FOLDER / "README.md").read_text() == writer.page()


def test_a_changed_document_changes_the_page(writer, monkeypatch, tmp_path):
    shutil.copytree(FOLDER / "results", tmp_path / "results")
    table = tmp_path / "results/vgg16/comparison.csv"
    lines = table.read_text().splitlines(keepends=True)
    # One cell less of the first seed.
    table.write_text("".join(lines[:1] + lines[2:]))
    monkeypatch.setattr(writer, "RESULTS", tmp_path / "results")
    assert (FOLDER / "README.md").read_text() != writer.page()
