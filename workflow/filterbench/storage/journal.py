"""The candidates of a search and their scores, on disk: an interrupted search is resumed by replay.

A search draws from seeded generators, so that the same scores lead it to the same candidates. A later
process runs it again from the start and takes the recorded scores instead of evaluating, up to the
candidate where the last process ended.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filterbench.storage.files import atomic_write
from filterbench.storage.stopwatch import Stopwatch

logger = logging.getLogger(__name__)


@dataclass
class Step:
    """One candidate of a search.

    Attributes:
        step: number of the step, from 1.
        choice: number of the choice that it stood in, from 0.
        sparsities: share of masked filters, 0..1, by layer.
        score: accuracy on the selection split, 0..1.
        accepted: whether the search went on from this candidate.
        seconds: wall-clock time of its evaluation.
    """

    step: int
    choice: int
    sparsities: dict[str, float]
    score: float
    accepted: bool
    seconds: float


class Journal:
    """The steps of one search.

    Args:
        path: one JSON object a line; the first names the search.
        key: digest of everything that the search depends on; a file with another key is begun anew.
        expected: about how many steps the search takes, for the progress line.
        stopwatch: of the search.
    """

    def __init__(self, path: Path, key: str, expected: int, stopwatch: Stopwatch) -> None:
        self._path, self._expected, self._stopwatch = Path(path), expected, stopwatch
        self._recorded = self._read(key)
        self.steps: list[Step] = []
        self._scores: dict[str, float] = {}
        self._seconds_now = 0.0
        self._key = key
        self._write()
        if self._recorded:
            stopwatch.resume(self._recorded[-1]["elapsed"])
            logger.info("resumed after step %d", len(self._recorded))

    def score(
        self,
        sparsities: dict[str, float],
        fingerprint: bytes,
        evaluate: Callable[[], float],
        choice: int = 0,
    ) -> float:
        """The score of the search's next candidate: the recorded one, or that of an evaluation.

        A candidate that the search comes to again keeps its score.

        Args:
            sparsities: of the candidate, for the record.
            fingerprint: what tells the candidate from any other whose score may differ.
            evaluate: gives the score, 0..1.
            choice: number of the choice that it stands in, from 0; the search takes the best of a choice.
        """
        digest = hashlib.sha256(fingerprint).hexdigest()
        index = len(self.steps)
        if index < len(self._recorded) and self._recorded[index]["candidate"] != digest:
            self._cut(index)
        if index < len(self._recorded):
            entry = self._recorded[index]
        else:
            started = time.perf_counter()
            score = self._scores[digest] if digest in self._scores else evaluate()
            seconds = time.perf_counter() - started
            elapsed = self._stopwatch.seconds()
            entry = {"candidate": digest, "score": score, "seconds": seconds, "elapsed": elapsed}
            self._append(entry)
            self._seconds_now += entry["seconds"]
        self._scores[digest] = entry["score"]
        self.steps.append(Step(index + 1, choice, sparsities, entry["score"], False, entry["seconds"]))
        self._log(index + 1, index + 1 - len(self._recorded))
        return entry["score"]

    def accept(self, index: int = -1) -> None:
        """Note that the search went on from a candidate, by default the last one."""
        self.steps[index].accepted = True

    @property
    def recorded(self) -> int:
        """How many steps were on disk when it was opened."""
        return len(self._recorded)

    def go_on(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Begin after the first steps, which an earlier search recorded.

        Args:
            rows: those steps, as `rows` gave them.
        """
        self.steps = [Step(**row) for row in rows]

    def rows(self) -> list[dict[str, Any]]:
        """The steps as `search.csv` holds them."""
        return [asdict(step) for step in self.steps]

    def _read(self, key: str) -> list[dict[str, Any]]:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        entries = []
        # What follows the last line break was being written when the process ended.
        for line in lines[:-1]:
            entries.append(json.loads(line))
        return entries[1:] if entries and entries[0].get("key") == key else []

    def _write(self) -> None:
        with atomic_write(self._path) as file:
            file.writelines(_line(entry) for entry in [{"key": self._key}, *self._recorded])

    def _cut(self, index: int) -> None:
        """Forget the record from a step on: another machine's last bits can lead a search another way."""
        logger.warning("from step %d on the search goes another way than was recorded", index + 1)
        del self._recorded[index:]
        self._write()

    def _append(self, entry: dict[str, Any]) -> None:
        with self._path.open("ab") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())

    def _log(self, step: int, evaluated: int) -> None:
        if evaluated <= 0:
            return
        left = max(0, self._expected - step) * self._seconds_now / evaluated
        best = max(step.score for step in self.steps)
        logger.info(
            "step %d of about %d: score %.2f %%, best %.2f %%, %d evaluations now, about %.0f s left",
            step,
            max(step, self._expected),
            100 * self.steps[-1].score,
            100 * best,
            evaluated,
            left,
        )


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"
