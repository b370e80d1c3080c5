"""A job's process: one at a time for each file, and what it says when it ends."""

import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from filterbench.jobs import job
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.files import write_text
from filterbench.storage.journal import Journal

PROCESSES = multiprocessing.get_context("fork")


class Named(dict):
    """As Snakemake's lists: by name, and by number."""

    def __getitem__(self, key):
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


def until(condition: Callable[[], object]) -> None:
    """Wait, however busy the machine is."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def slow_stage(asked: job.Job) -> None:
    with Path("began").open("a") as file:
        file.write(f"{os.getpid()}\n")
    until(Path("may end").exists)
    if asked.params.get("fails"):
        raise PermissionError(13, "Permission denied", "results/there")
    asked.outputs["document"].write_text("made")


def start(folder: Path, **params) -> multiprocessing.Process:
    """A process that runs the stage as a rule's script does."""

    def run() -> None:
        os.chdir(folder)
        # Not pytest's.
        logging.root.handlers.clear()
        job.resolve_name = lambda name: slow_stage
        snakemake = SimpleNamespace(
            rule="slow",
            wildcards=[],
            log=["log.txt"],
            input=Named(weights="read.safetensors"),
            output=Named(document="made.json"),
            params=Named(stage="stages.slow", **params),
            threads=1,
            resources=Named(),
        )
        job.run(snakemake)

    process = PROCESSES.Process(target=run)
    process.start()
    return process


def start_two(folder: Path, first=(), second=()) -> tuple[multiprocessing.Process, multiprocessing.Process]:
    """A process at work, and one that waits for it; with further params of each."""
    weights = folder / "read.safetensors"
    weights.touch()
    os.utime(weights, (0, 0))
    working = start(folder, **dict(first))
    until(lambda: began(folder))
    waiting = start(folder, **dict(second))
    until(lambda: "another process makes made.json" in (folder / "log.txt").read_text())
    return working, waiting


def began(folder: Path) -> int:
    path = folder / "began"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.parametrize(
    ("second", "again", "runs"),
    [
        ({}, None, 1),
        ({"learning_rate": 2}, None, 2),
        ({}, Path.touch, 2),
        ({}, Path.unlink, 2),
    ],
    ids=["the same job", "other settings", "an input written again", "an input removed"],
)
def test_a_process_that_waited_takes_what_the_other_made_for_the_same_job(second, again, runs, tmp_path):
    processes = start_two(tmp_path, second=second)
    if again:
        again(tmp_path / "read.safetensors")
    (tmp_path / "may end").touch()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert began(tmp_path) == runs


def test_a_killed_process_is_named_with_the_usual_reason(tmp_path, monkeypatch, capsys):
    log = tmp_path / "log.txt"
    log.write_text("[slow] epoch 1\n")
    monkeypatch.setattr(job, "run_in_child", lambda *arguments, **named: -signal.SIGKILL)
    monkeypatch.setattr(job, "end_as", lambda code: None)
    params, nothing = Named(stage="stages.slow"), Named()
    job.run(
        SimpleNamespace(
            rule="slow", wildcards=["a"], log=[log], threads=1, params=params,
            input=nothing, output=nothing, resources=nothing,
        )
    )  # fmt: skip
    line = "[slow a] error: the process was killed (SIGKILL), as the system does when memory runs out; run"
    assert log.read_text().splitlines()[1].startswith(line)
    assert capsys.readouterr().err.startswith(line)


def test_what_a_failed_process_left_is_not_taken(tmp_path):
    (tmp_path / "made.json").write_text("of an earlier run")
    processes = start_two(tmp_path, {"fails": True}, {"fails": True})
    (tmp_path / "may end").touch()
    for process in processes:
        process.join()
        assert process.exitcode == 1
    assert began(tmp_path) == 2
    said = (tmp_path / "log.txt").read_text()
    assert said.endswith("error: Permission denied: results/there; the workflow writes there\n")
    assert "Traceback" not in said


def test_a_record_from_before_is_not_taken_for_what_a_killed_process_made(tmp_path):
    """As that of a search path, which stays where it is while a job goes on from it."""
    (tmp_path / "made.json").write_text("of an earlier run")
    os.utime(tmp_path / "made.json", (0, 0))
    working, waiting = start_two(tmp_path)
    working.kill()
    working.join()
    until(lambda: began(tmp_path) == 2 or not waiting.is_alive())
    assert waiting.is_alive(), "it took the record for finished"
    waiting.kill()
    waiting.join()


def talk(asked: job.Job) -> None:
    job.logger.info("epoch 1")
    job.logger.warning("odd")


class Talking(job.ComputingStage):
    def make_or_take(self, asked: job.Job) -> None:
        talk(asked)


@pytest.mark.parametrize(
    ("stage", "shown"), [(Talking(), False), (talk, True)], ids=["with a net", "a table"]
)
def test_what_a_job_with_nets_says_can_go_to_its_log_alone(stage, shown, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(job.SHOWN_FROM, "WARNING")
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(job, "resolve_name", lambda name: stage)
    job.execute("finetune", "a.log", job.Job({}, {}, {"stage": "stages.finetune"}))
    assert Path("a.log").read_text() == "[finetune] epoch 1\n[finetune] odd\n"
    assert capfd.readouterr().err == ("[finetune] epoch 1\n" if shown else "") + "[finetune] odd\n"


@pytest.mark.parametrize("code", [0, 2, None, "usage: train.py"])
def test_code_that_ends_the_process_is_a_line_and_a_failure(code, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)

    def ending(asked: job.Job) -> None:
        sys.exit(code)

    monkeypatch.setattr(job, "resolve_name", lambda name: ending)
    with pytest.raises(SystemExit) as ended:
        job.execute("prune", "a.log", job.Job({}, {}, {"stage": "stages.prune"}))
    assert ended.value.code == 1
    assert f"error: the job's code ended its process (SystemExit: {code})" in caplog.text


def test_an_input_that_another_run_removes_is_a_line(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)

    def reading(asked: job.Job) -> None:
        asked.inputs["images"].read_bytes()

    monkeypatch.setattr(job, "resolve_name", lambda name: reading)
    with pytest.raises(SystemExit):
        job.execute("prune", "a.log", job.Job({"images": Path("a.npz")}, {}, {"stage": "stages.prune"}))
    assert "error: a.npz was removed while the job was at work, perhaps by another run" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("use", ["checkpoint", "journal", "document"])
def test_a_folder_in_the_place_of_a_file_is_a_line(use, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    Path("there/below").mkdir(parents=True)

    def using(asked: job.Job) -> None:
        if use == "checkpoint":
            Checkpoint(Path("there"), "key", asked.stopwatch).load()
        elif use == "journal":
            Journal(Path("there"), "key", 1, asked.stopwatch)
        else:
            write_text(Path("there"), "text")

    monkeypatch.setattr(job, "resolve_name", lambda name: using)
    with pytest.raises(SystemExit):
        job.execute("prune", "a.log", job.Job({}, {}, {"stage": "stages.prune"}))
    assert "error: Is a directory: there; rename or remove it and run again" in caplog.text
    assert "Traceback" not in caplog.text
