"""A job in a process that a test kills. It is forked from one that has imported torch and the stages."""

import importlib
import multiprocessing
import os
import sys
from functools import partialmethod
from multiprocessing import forkserver
from pathlib import Path

import pytest

from filterbench.jobs.job import Job
from filterbench.stages import prune, train_baseline, trajectory  # noqa: F401
from filterbench.storage.checkpoint import Checkpoint

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


def start(job: dict, folder: Path) -> multiprocessing.Process:
    """Start a stage in a process of its own.

    Args:
        job: `stage`, and by name its `inputs`, `outputs` and `params`.
        folder: where it runs.
    """
    with pytest.MonkeyPatch.context() as patch:
        # Python 3.11's fork server does not get this process's path before it imports what it is to have.
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    process = _FORKS.Process(target=_run, args=(job, folder))
    process.start()
    return process


def _run(job: dict, folder: Path) -> None:
    os.chdir(folder)
    # A state is saved after every epoch, not every ten seconds: a fast machine would end before the first.
    Checkpoint.__init__ = partialmethod(Checkpoint.__init__, interval=0.0)
    paths = [{name: Path(path) for name, path in job[kind].items()} for kind in ("inputs", "outputs")]
    stage = importlib.import_module(f"filterbench.stages.{job['stage']}")
    asked = Job(*paths, job["params"])
    getattr(stage, job["stage"])(asked)
    asked.stopwatch.write(asked.outputs["document"])
