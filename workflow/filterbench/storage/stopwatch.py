"""The time and memory of a computation, including the time before interruptions."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from filterbench.storage.files import write_text

# What a benchmark file's name has in place of its document's `.json`.
BENCHMARK = ".benchmark.tsv"


class Stopwatch:
    """Wall-clock seconds of a computation; `earlier` are those before the state that this process resumed."""

    def __init__(self) -> None:
        self.earlier = 0.0
        self._started = time.monotonic()

    def seconds(self) -> float:
        """Seconds so far."""
        return self.earlier + time.monotonic() - self._started

    def resume(self, seconds: float) -> None:
        """Resume a state that was saved after so many seconds; of several states, the latest counts."""
        self.earlier = max(self.earlier, seconds)

    def write(self, document: Path) -> None:
        """Write a document's benchmark file, with the names and units of Snakemake's own.

        `s`: seconds over all processes; `s_earlier`: those of earlier processes among them; `max_rss`: the
        peak memory of this process, in MB; `cpu_time`: its CPU seconds. The operating system counts the last
        two, because Snakemake's samples miss what a short job does between two samples.
        """
        usage = resource.getrusage(resource.RUSAGE_SELF)
        values = {
            "s": self.seconds(),
            "s_earlier": self.earlier,
            "max_rss": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
            "cpu_time": usage.ru_utime + usage.ru_stime,
        }
        header, row = "\t".join(values), "\t".join(f"{value:.4f}" for value in values.values())
        write_text(benchmark_file(document), f"{header}\n{row}\n")


def read_benchmark(document: Path) -> dict[str, float]:
    """The values that `Stopwatch.write` wrote for a document; empty if they cannot be read."""
    try:
        header, row = benchmark_file(document).read_text(encoding="utf-8").splitlines()
        return dict(zip(header.split("\t"), map(float, row.split("\t")), strict=True))
    except (OSError, ValueError):
        return {}


def benchmark_file(document: Path) -> Path:
    """The path of a document's benchmark file."""
    return document.with_suffix(BENCHMARK)
