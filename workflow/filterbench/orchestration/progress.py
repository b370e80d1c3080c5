"""How far a run is, said on standard error once a minute: by counts, not by time.

Jobs take from seconds to hours, so that their number says little of the time that is left. What a job at work
says of itself, such as its epoch, moves on with it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.workflow import Workflow

EVERY = float(os.environ.get("FILTERBENCH_PROGRESS", "60"))
# Of a log's end, what surely holds its last line.
TAIL = 4096


def start(workflow: Workflow, alone: bool) -> None:
    """Say every minute how far Snakemake's run is, until its process ends.

    Args:
        workflow: Snakemake's.
        alone: drop Snakemake's message about each round of jobs, which only `--quiet all` drops otherwise.
    """
    if alone:
        logging.getLogger("snakemake.logging").addFilter(_is_no_round)
    threading.Thread(target=_tell, args=(workflow,), daemon=True).start()


def line(done: int, total: int, logs: Iterable[Path]) -> str:
    """What to say now.

    Args:
        done: number of jobs that are finished.
        total: number of jobs of the run.
        logs: of the jobs at work; the one that was written last is quoted.
    """
    said = f"progress: {done} of {total} jobs done"
    newest = max((log for log in logs if log.is_file()), key=lambda log: log.stat().st_mtime, default=None)
    lines = newest.read_bytes()[-TAIL:].decode(errors="replace").splitlines() if newest else []
    return f"{said}; {lines[-1]}" if lines else said


def _is_no_round(record: logging.LogRecord) -> bool:
    return not re.fullmatch(r"Select jobs to execute\.\.\.|Execute \d+ jobs\.\.\.", record.getMessage())


def _tell(workflow: Workflow) -> None:
    while True:
        time.sleep(EVERY)
        scheduler = workflow.scheduler
        # Jobs that SLURM runs together are a group.
        jobs = [job for each in list(scheduler.running) for job in getattr(each, "jobs", (each,))]
        logs = [Path(log) for job in jobs for log in job.log]
        # A log can be replaced between two looks at it.
        with suppress(OSError):
            print(line(scheduler.finished_jobs, len(workflow.dag), logs), file=sys.stderr, flush=True)
