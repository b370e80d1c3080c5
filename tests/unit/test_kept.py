"""The archives of kept studies."""

import io
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from checkout import REPOSITORY
from docs_scripts import load

from filterbench.documents import check, kind_of, parse, read, write
from filterbench.documents.manifest import settings_digest
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest, files_below

kept = load("kept")
CELL = "vgg16/seed-0/L1FilterPruner/0.5"
TABLES = {"verdicts.json": "of all models", "vgg16/comparison.csv": "of one"}
DOCUMENTS = {
    f"{CELL}/count.json": "{}",
    f"{CELL}/finetune.correct": "101",
    f"{CELL}/search.csv": "step\n1\n",
    "vgg16/seed-0/baseline/baseline.json": "{}\n",
}
WEIGHTS = f"{CELL}/finetune.safetensors"
NOT_KEPT = {WEIGHTS: "weights", f"{CELL}/.prune.json": "a state"}


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files_below(folder)}


@pytest.fixture
def archive(tmp_path) -> Path:
    """A study's archive beside its tables."""
    path = written(tmp_path / "docs", TABLES) / "mine.tar.xz"
    kept.pack(written(tmp_path / "made", DOCUMENTS | NOT_KEPT | TABLES), path)
    return path


def test_documents_and_tables_come_back_and_nothing_else(archive, tmp_path):
    kept.unpack(archive, tmp_path / "results/mine")
    assert contents(tmp_path / "results/mine") == DOCUMENTS | TABLES
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["mine"]


def test_the_same_documents_give_the_same_bytes(archive, tmp_path):
    again = tmp_path / "mine.tar.xz"
    backwards = dict(reversed(DOCUMENTS.items()))
    results = written(tmp_path / "again", backwards)
    for path in files_below(results):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    kept.pack(results, again)
    assert again.read_bytes() == archive.read_bytes()
    with tarfile.open(archive) as tar:
        assert tar.getnames() == sorted(DOCUMENTS)
    # As sha256sum reads it.
    assert Path(f"{archive}.sha256").read_text() == f"{file_digest(archive)}  mine.tar.xz\n"


def test_what_is_there_is_not_overwritten(archive, tmp_path):
    results = written(tmp_path / "results/mine", {"mine.json": "of a run"})
    with pytest.raises(InputError, match="results/mine is there already; move or remove it"):
        kept.unpack(archive, results)
    assert contents(results) == {"mine.json": "of a run"}


def test_a_damaged_archive_is_not_unpacked(archive, tmp_path):
    archive.write_bytes(archive.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"mine.tar.xz: its SHA-256 is not that of .*mine.tar.xz.sha256"):
        kept.unpack(archive, tmp_path / "results/mine")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("name", ["../outside.json", "{folder}/outside.json", "link"])
def test_nothing_is_written_outside_the_folder(name, archive, tmp_path):
    results = tmp_path / "results/mine"
    entry = tarfile.TarInfo(name.format(folder=results.parent))
    if name == "link":
        entry.type, entry.linkname = tarfile.SYMTYPE, ".."
    with tarfile.open(archive, "w:xz") as tar:
        tar.addfile(entry, io.BytesIO())
    Path(f"{archive}.sha256").write_text(file_digest(archive))
    with pytest.raises(InputError, match=f"{entry.name} is not a document of a cell"):
        kept.unpack(archive, results)
    assert not results.exists()
    assert not (results.parent / "outside.json").exists()


def test_a_folder_without_cells_is_not_packed(tmp_path):
    with pytest.raises(InputError, match=r"there are no documents in \*/seed-\*/; run the study first"):
        kept.pack(written(tmp_path / "made", TABLES), tmp_path / "mine.tar.xz")
    assert not (tmp_path / "mine.tar.xz").exists()


@pytest.mark.parametrize(
    "study",
    ["decomposition", "decomposition_wide", "deployment", "fair", "protection", "ranking", "ranking_local"],
)
def test_a_kept_study_unpacks_to_sound_documents(study, tmp_path):
    """A few of them; `make test-slow` checks all, against each other and their tables."""
    results = tmp_path / "results" / study
    kept.unpack(kept.archive_of(study), results)
    documents = sorted(results.glob("*/seed-*/**/*.json"))
    chosen = random.Random(0).sample(documents, min(100, len(documents)))
    assert [fault for path in chosen for fault in check(kind_of(path), parse(path))] == []


def test_the_command_says_which_studies_are_kept(tmp_path):
    run = subprocess.run(
        [sys.executable, REPOSITORY / "docs/kept.py", "unpack", "fare"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    archives = (REPOSITORY / "docs").rglob(f"*{kept.ENDING}")
    studies = ", ".join(sorted(path.name.removesuffix(kept.ENDING) for path in archives))
    assert (run.returncode, run.stderr) == (1, f"error: no study 'fare' is kept; allowed: {studies}\n")
    assert "fair" in studies


@pytest.fixture
def listed(tmp_path) -> Path:
    """A study's folder with a manifest of documents, tables, weights and a page."""
    results = written(tmp_path / "results/mine", DOCUMENTS | NOT_KEPT | TABLES | {"verdicts.md": "a page"})
    settings = settings_digest({})
    entry = {"sha256": "0" * 64, "bytes": 1, "rule": "finetune", "settings": settings}
    manifest = {
        "study": "mine",
        "files": dict.fromkeys([*DOCUMENTS, *TABLES, WEIGHTS, "verdicts.md"], entry),
        "settings": {settings: {}},
        "left_out": [],
    }
    write(results / "manifest.json", manifest)
    return results


def test_a_manifest_comes_along_with_what_is_kept(listed, tmp_path):
    archive = written(tmp_path / "docs", TABLES) / "mine.tar.xz"
    kept.pack(listed, archive)
    document = read(archive.with_name("manifest.json"))
    assert document["files"].keys() == DOCUMENTS.keys() | TABLES.keys()
    assert document["left_out"] == ["verdicts.md", WEIGHTS]
    assert archive.with_name("SHA256SUMS").read_text().count("\n") == len(document["files"])


def test_a_submission_has_documents_and_tables_with_their_manifest(listed, tmp_path):
    kept.submit(listed, tmp_path / "submissions/me")
    place = tmp_path / "submissions/me/results/mine"
    manifest = read(place / "manifest.json")
    assert manifest["files"].keys() == DOCUMENTS.keys() | TABLES.keys()
    assert manifest["left_out"] == ["verdicts.md", WEIGHTS]
    copied = contents(place)
    assert copied.keys() == {*DOCUMENTS, *TABLES, "manifest.json", "SHA256SUMS"}
    assert copied.items() >= (DOCUMENTS | TABLES).items()
    with pytest.raises(InputError, match="me/results/mine is there already; move or remove it"):
        kept.submit(listed, tmp_path / "submissions/me")


def test_results_without_a_manifest_are_not_submitted(tmp_path):
    results = written(tmp_path / "results/mine", DOCUMENTS)
    with pytest.raises(InputError, match=r"results/mine: there is no manifest.json; run: snakemake"):
        kept.submit(results, tmp_path / "me")
    assert not (tmp_path / "me").exists()
