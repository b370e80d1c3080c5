"""What a computation took: seconds, those before an interruption included, CPU time and memory."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from filterbench.storage.files import write_text


class Stopwatch:
    """Wall-clock seconds of one computation, over all processes that it took.

    Attributes:
        earlier: seconds of earlier processes up to the state that this one goes on from.
    """

    def __init__(self) -> None:
        self.earlier = 0.0
        self._started = time.monotonic()

    def seconds(self) -> float:
        """Seconds so far."""
        return self.earlier + time.monotonic() - self._started

    def resume(self, seconds: float) -> None:
        """Go on from a state that was saved after so many seconds; of several states the last one counts."""
        self.earlier = max(self.earlier, seconds)

    def write(self, document: Path) -> None:
        """Write a document's benchmark file, with the names and units of Snakemake's own.

        `s`: seconds over all processes; `s_earlier`: those of earlier ones among them; `max_rss`: the largest
        memory of this process, in MB; `cpu_time`: its CPU seconds. The operating system counts the last two;
        Snakemake's samples miss what a short job does between two of them.
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
    """What `Stopwatch.write` wrote for a document; empty where that is missing or cannot be read."""
    try:
        header, row = benchmark_file(document).read_text(encoding="utf-8").splitlines()
        return dict(zip(header.split("\t"), map(float, row.split("\t")), strict=True))
    except (OSError, ValueError):
        return {}


def benchmark_file(document: Path) -> Path:
    """Where it stands what a document's computation took."""
    return document.with_suffix(".benchmark.tsv")
