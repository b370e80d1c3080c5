"""How much of a run's work is done, and how long the rest will take, said once in a while.

Snakemake counts jobs, of which some take seconds and some hours. Here each one counts as long as the
forecast says that it takes; how fast they really are shows in what is done.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filterbench.storage.stopwatch import read_benchmark

# A run that is shorter pays nothing for it.
EVERY = float(os.environ.get("FILTERBENCH_PROGRESS", "60"))
# The pipe on which the process that tells sees this one end.
_KEPT: list[subprocess.Popen] = []


def start(config: Mapping[str, Any], documents: Iterable[str]) -> None:
    """Have a process say on standard error, every minute, how far the run is; it ends with this process.

    Args:
        config: the study.
        documents: paths of the documents that the run will make.
    """
    teller = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, text=True, start_new_session=True
    )
    assert teller.stdin
    teller.stdin.write(json.dumps([config, list(documents)]) + "\n")
    teller.stdin.flush()
    _KEPT.append(teller)


class Progress:
    """Of a run that began just now.

    Attributes:
        jobs: what the job of each document is forecast to take, in seconds.
    """

    def __init__(self) -> None:
        self.jobs: dict[Path, float] = {}
        self._began, self._clock = time.time(), time.monotonic()

    def line(self, elapsed: float | None = None) -> str:
        """What to say now.

        Args:
            elapsed: seconds since the run began, if not by the clock.
        """
        made = {path: each for path, each in self.jobs.items() if self._made(path)}
        for path in [path for path in made if _taken(path)]:
            del made[path], self.jobs[path]
        if not self.jobs:
            return "progress: all was taken from another study so far"
        done, total = sum(made.values()), sum(self.jobs.values())
        said = f"progress: {done / total:.0%} of the work with nets, {len(made)} of {len(self.jobs)} jobs"
        if not made or len(made) == len(self.jobs):
            return said
        elapsed = time.monotonic() - self._clock if elapsed is None else elapsed
        return f"{said}; about {_spoken(elapsed * (total - done) / done)} left"

    def _made(self, path: Path) -> bool:
        # A file system can count whole seconds.
        return path.exists() and path.stat().st_mtime > self._began - 1


def _taken(document: Path) -> bool:
    """Whether another study has made it: nearly all of its time lies before its job."""
    spent = read_benchmark(document)
    return bool(spent) and spent["s_earlier"] > 0.9 * spent["s"]


def _spoken(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _tell() -> None:
    """Read what a run makes, and tell until its process has ended."""
    config, documents = json.loads(sys.stdin.readline())
    progress, forecast = Progress(), None
    os.nice(10)
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        if forecast is None:
            forecast = _forecast(config, documents)
            progress.jobs = dict(forecast or {})
        if forecast:
            print(progress.line(), file=sys.stderr, flush=True)


def _forecast(config: dict[str, Any], documents: Iterable[str]) -> dict[Path, float] | None:
    """Seconds that the job of each document takes on this machine; documents that need no net are left out.

    None as long as the images are not there.
    """
    # They import torch, which takes seconds.
    from filterbench.data.loading import load_splits
    from filterbench.forecasting.expected import expected_work
    from filterbench.forecasting.speed import speeds
    from filterbench.own_code.registering import register_as_told
    from filterbench.running.environment import choose_device
    from filterbench.study.paths import place_in_seed
    from filterbench.study.plan import Plan

    register_as_told()
    plan = Plan(config)
    if not Path(plan.images).exists():
        return None
    splits = load_splits(
        Path(plan.images), config["protocol"], plan.limits_of(plan.config["seeds"][0]), choose_device("cpu")
    )
    measured = speeds(config, splits)
    seconds = {
        (work.model, work.document): measured[work.model].seconds(work) / work.jobs
        for work in expected_work(config, splits)
    }
    found = {path: seconds.get(place_in_seed(path)) for path in map(Path, documents)}
    return {path: each for path, each in found.items() if each is not None}


if __name__ == "__main__":
    _tell()
