"""The seconds of a computation, those before an interruption included."""

from __future__ import annotations

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
        """Write the earlier seconds beside a document, as Snakemake's benchmark files hold those of a job.

        The file `{document}.earlier.tsv` is there only where there were any.
        """
        path = earlier_seconds(document)
        if self.earlier:
            write_text(path, f"s\n{self.earlier:.4f}\n")
        else:
            path.unlink(missing_ok=True)


def earlier_seconds(document: Path) -> Path:
    """Where a document's computation has its earlier seconds."""
    return document.with_suffix(".earlier.tsv")
