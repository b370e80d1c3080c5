"""The kept study of criteria and its page."""

import json
import shutil

import pytest
import yaml
from checkout import REPOSITORY
from docs_scripts import load, when_computed

FOLDER = REPOSITORY / "docs/criteria"


@pytest.fixture(scope="module")
def writer():
    return load("criteria/write_page")


@pytest.fixture(scope="module")
def studies(writer):
    return writer.studies()


def test_every_number_of_the_page_is_from_the_tables(writer, studies):
    assert (FOLDER / "README.md").read_text() == writer.page(studies)


def test_kept_rankings_are_those_of_the_cells(writer, studies):
    # Within the page, the third has another study's cells beside its own.
    alone = [studies["ranking"], studies["protection"], writer.Study("ranking_local")]
    for study in alone:
        kept = json.loads((study.results / "ranking.json").read_text())
        assert kept == json.loads(json.dumps(study.document))


def test_a_changed_table_changes_the_page(writer, studies, monkeypatch, tmp_path):
    shutil.copytree(FOLDER / "results", tmp_path / "results")
    table = tmp_path / "results/vgg16/comparison.csv"
    lines = table.read_text().splitlines(keepends=True)
    changed = [line.replace(",0.8", ",0.7") if "TaylorPruner" in line else line for line in lines]
    table.write_text("".join(changed))
    monkeypatch.setitem(writer.RESULTS, "ranking", tmp_path / "results")
    assert (FOLDER / "README.md").read_text() != writer.page({**studies, "ranking": writer.Study("ranking")})


@pytest.mark.parametrize("name", ["ranking", "protection", "ranking_local"])
def test_the_study_is_the_one_that_was_written_before_its_first_cell(name, writer):
    file = f"studies/{name}.yaml"
    now = (REPOSITORY / file).read_text()
    for then in when_computed(writer.RESULTS[name] / f"{name}.tar.xz", file):
        # The rules that were fixed are in its comments.
        assert yaml.safe_load(then) == yaml.safe_load(now)
        assert then.partition("\nstudy:")[0] == now.partition("\nstudy:")[0]
