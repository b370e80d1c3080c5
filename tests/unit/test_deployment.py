"""The study of nets where they run: its documents, which come with the repository, and its page."""

import shutil

import pytest
from checkout import REPOSITORY
from docs_scripts import load
from test_own_code import remembered

from filterbench.integrity.findings import Report
from filterbench.orchestration.plan import Plan
from filterbench.own_code.registering import register
from filterbench.stages.validate import study_findings

FOLDER = REPOSITORY / "docs/deployment"


@pytest.fixture(scope="module")
def writer():
    return load("deployment/write_page")


@pytest.mark.slow
def test_the_study_is_sound(writer, monkeypatch, tmp_path):
    study = writer.Study()
    load("kept").unpack(FOLDER / "results/deployment.tar.xz", tmp_path / "results/deployment")
    report = Report()
    with remembered(monkeypatch):
        register([], study.rounded, "the study")
        found = study_findings(Plan(study.config), tmp_path, report)
        assert [str(finding) for finding in found] == []
    assert report.missing == report.unfinished == []
    assert (report.checked["latency"], report.checked["int8"]) == (48, 48)


def test_every_number_of_the_page_is_from_the_documents(writer):
    assert (REPOSITORY / "docs/deployment.md").read_text() == writer.page()


def test_a_changed_document_changes_the_page(writer, monkeypatch, tmp_path):
    for name in ("latency", "int8"):
        results = tmp_path / name
        shutil.copytree(FOLDER / "results", results)
        table = results / f"vgg16/{name}.csv"
        lines = table.read_text().splitlines(keepends=True)
        table.write_text("".join(lines[:-1]))
        monkeypatch.setattr(writer, "RESULTS", results)
        assert (REPOSITORY / "docs/deployment.md").read_text() != writer.page()
