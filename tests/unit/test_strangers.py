"""Files of a stranger in a folder of results: nothing outside is written, and nothing waits for ever."""

import os
import stat
from pathlib import Path

import pytest

from filterbench.jobs.job import Job, execute
from filterbench.storage.errors import InputError
from filterbench.storage.files import remove, write_text
from filterbench.storage.strangers import refuse_unusual

PRIVATE = "the reader's own file"


@pytest.fixture
def private(tmp_path) -> Path:
    path = tmp_path / "private"
    path.write_text(PRIVATE)
    return path


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    (tmp_path / "run/results").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "run")
    return Path("results")


def test_no_link_in_the_folder_is_written_through(results, private, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "foreseen")
    for name in (".a.json.partial", "a.json", ".b.json.foreseen.partial"):
        (results / name).symlink_to(private)
    write_text(results / "a.json", "new")
    # Even a name that was foreseen is no way out: the link there is gone before the file is made.
    write_text(results / "b.json", "new")
    assert private.read_text() == PRIVATE
    assert (results / "a.json").read_text() == (results / "b.json").read_text() == "new"
    assert not (results / "a.json").is_symlink()


def test_a_file_has_the_permissions_of_the_umask(results):
    before = os.umask(0o027)
    try:
        write_text(results / "a.json", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((results / "a.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("action", [lambda path: write_text(path, "new"), remove], ids=["written", "removed"])
def test_what_a_killed_process_left_of_a_file_goes_with_it(action, results):
    for name in (".a[1].json.0123.partial", ".b.json.0123.partial"):
        (results / name).write_text("half")
    (results / ".a[1].json.folder.partial").mkdir()
    action(results / "a[1].json")
    left = {path.name for path in results.iterdir()} - {"a[1].json"}
    assert left == {".b.json.0123.partial", ".a[1].json.folder.partial"}


@pytest.mark.parametrize(
    "planted",
    ["log.log", ".snakemake/running/results_page.html.lock", ".snakemake/running/results_page.html.job"],
)
def test_log_and_locks_of_a_job_are_not_written_through_a_link(planted, results, private, monkeypatch):
    monkeypatch.setattr("filterbench.jobs.job._make", lambda job, shown: None)
    Path(planted).parent.mkdir(parents=True, exist_ok=True)
    Path(planted).symlink_to(private)
    execute("page", "log.log", Job({}, {"page": results / "page.html"}, {"stage": "stages.page"}))
    assert private.read_text() == PRIVATE


def test_locks_of_runs_are_not_written_through_a_link(results, private):
    from filterbench.orchestration import runs

    runs.FOLDER.mkdir(parents=True)
    for name in (os.getpid(), 1):
        (runs.FOLDER / f"{name}.lock").symlink_to(private)
    runs.tell_other_runs()
    assert private.read_text() == PRIVATE


def plant(kind: str, path: Path, private: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to(private.parent if kind == "folder" else private)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("pipe", "s/vgg16/comparison.json", "a pipe, socket or device"),
        ("device", "s/vgg16/comparison.json", "a pipe, socket or device"),
        ("file", "s/.trajectory.training", "a link, and the workflow"),
        ("folder", "s/vgg16/.trajectory.search", "a link, and the workflow"),
        ("folder", ".shared", "a link, and the workflow"),
    ],
)
def test_what_must_not_be_opened_is_refused_by_name(kind, name, said, results, private):
    plant(kind, results / name, private)
    with pytest.raises(InputError, match=f"^results/{name}: {said}"):
        refuse_unusual([results / "s", results / ".shared"])


def test_folders_and_files_kept_elsewhere_are_a_users_own(results, private):
    elsewhere = private.parent / "large"
    (elsewhere / "vgg16").mkdir(parents=True)
    (elsewhere / "vgg16/round").symlink_to(elsewhere)
    (elsewhere / "model.safetensors").symlink_to(private)
    (elsewhere / "gone.json").symlink_to(private.parent / "nothing")
    (results / "s").symlink_to(elsewhere)
    refuse_unusual([results / "s", results / ".shared"])
    os.mkfifo(elsewhere / "vgg16/pipe.json")
    with pytest.raises(InputError, match=r"results/s/(vgg16/)?(round/vgg16/)?pipe\.json"):
        refuse_unusual([results / "s"])
