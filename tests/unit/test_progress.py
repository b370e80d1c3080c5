"""What a run says of how far it is."""

import logging
import os
from contextlib import suppress
from types import SimpleNamespace

from filterbench.orchestration import progress


def test_the_line_moves_with_the_work_inside_a_job(tmp_path):
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    assert progress.line(0, 25, [old]) == "progress: 0 of 25 jobs done"
    old.write_text("[prune] step 1\n")
    new.write_text("")
    os.utime(old, (0, 0))
    assert progress.line(0, 25, [old, new]) == "progress: 0 of 25 jobs done"
    new.write_text(5000 * "x" + "\n[finetune] epoch 36 of 40\n[finetune] epoch 37 of 40\n")
    expected = "progress: 24 of 25 jobs done; [finetune] epoch 37 of 40"
    assert progress.line(24, 25, [old, new]) == expected


def test_snakemakes_rounds_are_taken_out_where_the_line_stands_alone(caplog, monkeypatch):
    monkeypatch.setattr(progress, "_tell", lambda workflow: None)
    snakemake = logging.getLogger("snakemake.logging")
    monkeypatch.setattr(snakemake, "filters", [])
    for alone in (False, True):
        progress.start(None, alone)
        with caplog.at_level(logging.INFO, "snakemake.logging"):
            for said in ("Select jobs to execute...", "Execute 2 jobs...", "Execute it again"):
                snakemake.info(said)
    assert len(caplog.messages) == 4
    assert caplog.messages[-1] == "Execute it again"


def test_the_lines_come_with_time_and_know_groups_of_jobs(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.log").write_text("[prune] step 1\n")
    job = SimpleNamespace(log=[str(tmp_path / "a.log")])
    queued = SimpleNamespace(jobs=[SimpleNamespace(log=["nowhere.log"]), SimpleNamespace(log=[])])
    workflow = SimpleNamespace(
        scheduler=SimpleNamespace(running={1: job, 2: queued}.values(), finished_jobs=3), dag=range(9)
    )
    looks = iter([None, None])
    monkeypatch.setattr(progress.time, "sleep", lambda seconds: next(looks))
    with suppress(StopIteration):
        progress._tell(workflow)
    assert capsys.readouterr().err == 2 * "progress: 3 of 9 jobs done; [prune] step 1\n"
