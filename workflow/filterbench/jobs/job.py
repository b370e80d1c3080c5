"""A rule's job as the package sees it, and how a script runs it: log, progress, one-line errors."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from filelock import FileLock, Timeout

from filterbench.jobs.forked import end_as, run_in_child
from filterbench.own_code import VARIABLE
from filterbench.storage.errors import InputError, first_line
from filterbench.storage.files import LOCKS, without_link, write_text
from filterbench.storage.stopwatch import Stopwatch

logger = logging.getLogger("filterbench")
# Names the level from which on jobs that compute with nets write to standard error, too; their logs have all.
SHOWN_FROM = "FILTERBENCH_LEVEL"
MEMORY = "run fewer jobs at once (--cores), or give the rule more mem_mb"
KILLED = f"the process was killed (SIGKILL), as the system does when memory runs out; {MEMORY}"


@dataclass(frozen=True)
class Job:
    """What a rule gives to its script.

    Attributes:
        inputs: input files by name.
        outputs: output files by name.
        params: the rule's params by name.
        threads: CPU threads of the job.
        resources: the rule's resources by name: what a job needs and its outcome does not depend on.
        stopwatch: of the job.
    """

    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    params: Mapping[str, Any]
    threads: int = 1
    resources: Mapping[str, Any] = field(default_factory=dict)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def module(self) -> str:
        """The module of its stage."""
        return f"filterbench.{self.params['stage']}"


class ComputingStage(ABC):
    """A stage that computes with nets: it is timed, and its messages are progress."""

    @abstractmethod
    def make_or_take(self, job: Job) -> None:
        """Make the job's outputs, or copy those that another study has."""


def run(snakemake: Any) -> None:
    """Run the stage that `params.stage` names, for the `snakemake` object of a script.

    A stage is a module such as `stages.prune`, with a function of its name that takes the job. It runs in a
    child of the warm parent where there is one.
    """
    job = Job(
        inputs=_paths(snakemake.input),
        outputs=_paths(snakemake.output),
        params=dict(snakemake.params.items()),
        threads=snakemake.threads,
        resources=dict(snakemake.resources.items()),
    )
    title = " ".join([snakemake.rule, *map(str, snakemake.wildcards)])
    named = title, str(snakemake.log[0]), job
    # A GPU's driver must not be loaded before a fork.
    code = None if job.resources.get("gpu") else run_in_child(execute, *named, modules=[job.module])
    if code is None:
        execute(*named)
    else:
        if code == -signal.SIGKILL:
            _tell_killed(title, Path(snakemake.log[0]))
        end_as(code)


def _tell_killed(title: str, log: Path) -> None:
    """Write the reason for a killed child, which cannot do so itself, to the log and to standard error."""
    with without_link(log).open("a", encoding="utf-8") as file:
        for place in (file, sys.stderr):
            print(f"[{title}] error: {KILLED}", file=place)


def execute(title: str, log: str, job: Job) -> None:
    """Run a job's stage in this process.

    Messages go to the log file and, from the level in `SHOWN_FROM` on, to standard error. A user's mistake
    ends the process with one line and exit code 1; any other error leaves its traceback in both.

    Args:
        title: what messages begin with.
        log: the log file.
        job: the job.
    """
    # Names of files may be no UTF-8.
    own_log = logging.FileHandler(without_link(Path(log)), "w", encoding="utf-8", errors="backslashreplace")
    shown = logging.StreamHandler(sys.stderr)
    handlers: list[logging.Handler] = [shown, own_log]
    logging.basicConfig(level=logging.WARNING, format=f"[{title}] %(message)s", handlers=handlers)
    logger.setLevel(logging.INFO)
    try:
        # Before the stage is imported: that takes seconds, in which another process could start the same job.
        with _alone(next(iter(job.outputs.values()), Path(log)), job) as made:
            if not made:
                _make(job, shown)
    except InputError as reason:
        logger.error("error: %s", reason)
        sys.exit(1)
    except SystemExit as reason:
        # A user's own code may read the command line, or end like a script.
        logger.error("error: the job's code ended its process (SystemExit: %s)", reason.code)
        sys.exit(1)
    except Exception as error:
        if known := _shortage(error) or _removed(error, job):
            logger.error("error: %s", known)
        else:
            logger.exception("failed")
        sys.exit(1)


def _make(job: Job, shown: logging.Handler) -> None:
    """Call the job's stage.

    Args:
        job: the job.
        shown: shows messages to the user; of progress, only from the level in `SHOWN_FROM` on.
    """
    if VARIABLE in os.environ:
        # It imports the registries, and the code itself.
        resolve_name("filterbench.own_code.registering:register_inherited")()
    stage = resolve_name(f"{job.module}:{job.module.rpartition('.')[2]}")
    if not isinstance(stage, ComputingStage):
        stage(job)
        return
    shown.setLevel(os.environ.get(SHOWN_FROM, "INFO"))
    stage.make_or_take(job)
    if "document" in job.outputs:
        job.stopwatch.write(job.outputs["document"])


@contextmanager
def _alone(output: Path, job: Job) -> Iterator[bool]:
    """Wait while another process makes the same file; whether it made it for a job like this one.

    A cluster's job runs on when the Snakemake that submitted it is killed, and the next one submits it
    again.
    """
    LOCKS.mkdir(parents=True, exist_ok=True)
    name = str(output).replace(os.sep, "_")
    lock, whose = FileLock(without_link(LOCKS / f"{name}.lock")), LOCKS / f"{name}.job"
    key, made = _key(job), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("another process makes %s; waiting for it to end", output)
        lock.acquire()
        made = _is_made(job, key, whose)
        if made:
            logger.info("using what that process made")
    except (OSError, NotImplementedError) as reason:
        logger.warning(
            "this file system has no locks (%s): make sure that no earlier job is still running", reason
        )
    if not made:
        write_text(whose, key)
    try:
        yield made
    except BaseException:
        whose.unlink(missing_ok=True)
        raise
    finally:
        lock.release()


def _key(job: Job) -> str:
    """Digest of a job's settings and code, and of the names and paths of its inputs."""
    parts = [dict(job.params), {name: str(path) for name, path in job.inputs.items()}, job.threads]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _is_made(job: Job, key: str, whose: Path) -> bool:
    """Whether a process that noted this key when it began has written all outputs since.

    What it read must still be there: the outputs do not come from an input that was written later.
    """
    if not whose.exists() or whose.read_text() != key or not job.outputs:
        return False
    if not all(path.exists() for path in (*job.inputs.values(), *job.outputs.values())):
        return False
    began = _written(whose)
    # A search path that went on to other targets counts as another input: that costs time, and no number.
    read_before = all(_written(path) < began for path in job.inputs.values())
    return read_before and all(_written(path) >= began for path in job.outputs.values())


def _written(path: Path) -> int:
    """When a file was last written, in nanoseconds of the file system's clock."""
    return path.stat().st_mtime_ns


def _shortage(error: Exception) -> str | None:
    """What the machine ran out of, and what to change; None for any other error."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.strerror}: {error.filename or 'the disk of the results'}; free some, and run again"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.strerror}: {error.filename}; the workflow writes there"
    if isinstance(error, NotADirectoryError | IsADirectoryError):
        # Of a file that is renamed, the second name is the one that it was to get.
        return f"{error.strerror}: {error.filename2 or error.filename}; rename or remove it and run again"
    # torch's own class, which a job that does not use torch must not import.
    if type(error).__name__ == "OutOfMemoryError":
        return (
            "the GPU's memory is too small or shared with other jobs; lower batch_size of the baseline, "
            f"finetune or search, or ask for a larger GPU ({first_line(error)})"
        )
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return f"out of memory; {MEMORY} ({error})"
    return None


def _removed(error: Exception, job: Job) -> str | None:
    """Which of a job's files is gone while it is at work; None for any other error."""
    files = {*job.inputs.values(), *job.outputs.values()}
    if not isinstance(error, FileNotFoundError) or Path(str(error.filename)) not in files:
        return None
    return (
        f"{error.filename} was removed while the job was at work, perhaps by another run in this folder; "
        "let one of them end, and run again"
    )


def _paths(named: Any) -> dict[str, Path]:
    return {name: Path(path) for name, path in named.items() if isinstance(path, str)}
