"""The candidates of a search and their scores, on disk: an interrupted search is resumed by replay.

A search draws from seeded generators, so the same scores lead to the same candidates. A later process starts
the search again and uses the recorded scores instead of evaluations, until the records end.
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
from typing import Any, TypedDict

from filterbench.storage.files import atomic_write
from filterbench.storage.stopwatch import Stopwatch

logger = logging.getLogger(__name__)


@dataclass
class Step:
    """One candidate of a search, as a row of `search.csv`; its schema explains the values."""

    step: int
    choice: int
    sparsities: dict[str, float]
    score: float
    accepted: bool
    seconds: float


class Record(TypedDict):
    """One line of a journal: a candidate's digest, score and seconds, and the search's seconds so far."""

    candidate: str
    score: float
    seconds: float
    elapsed: float


class Journal:
    """The steps of one search.

    Args:
        path: one JSON object per line, behind a SHA-256 of it and of all lines above; the first has the key.
        key: digest of everything that the search depends on; a file with another key is replaced.
        expected: approximate number of steps of the search, for the progress line.
        stopwatch: of the search.
    """

    def __init__(self, path: Path, key: str, expected: int, stopwatch: Stopwatch) -> None:
        self._path, self._key, self._expected, self._stopwatch = path, key, expected, stopwatch
        self._recorded = self._read()
        self.steps: list[Step] = []
        self._scores: dict[str, float] = {}
        self._seconds_now = 0.0
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

        A repeated candidate keeps its score.

        Args:
            sparsities: of the candidate, by layer.
            fingerprint: identifies the candidate among all whose scores may differ.
            evaluate: returns the score, 0..1.
            choice: number of its choice, from 0; the search accepts the best candidate of a choice.
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
            entry = Record(candidate=digest, score=score, seconds=seconds, elapsed=elapsed)
            self._append(entry)
            self._seconds_now += seconds
        self._scores[digest] = entry["score"]
        self.steps.append(Step(index + 1, choice, sparsities, entry["score"], False, entry["seconds"]))
        self._log(index + 1, index + 1 - len(self._recorded))
        return entry["score"]

    def accept(self, index: int = -1) -> None:
        """Record that the search continued from a candidate, by default the last one."""
        self.steps[index].accepted = True

    @property
    def recorded(self) -> int:
        """Number of steps on disk when the journal was opened."""
        return len(self._recorded)

    def go_on(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Begin after the first steps, which an earlier search recorded as `rows`."""
        self.steps = [Step(**row) for row in rows]

    def rows(self) -> list[dict[str, Any]]:
        """The steps as rows of `search.csv`."""
        return [asdict(step) for step in self.steps]

    def _read(self) -> list[Record]:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        # A last line without a line break is incomplete: the process ended while it wrote it.
        sound = _sound(lines[:-1])
        if len(sound) < len(lines) - 1:
            logger.warning(
                "%s: line %d is damaged, or of another version: %s",
                self._path,
                len(sound) + 1,
                f"resuming after step {len(sound) - 1}" if len(sound) > 1 else "starting again",
            )
        entries = [json.loads(line) for line in sound]
        if entries and entries[0]["key"] != self._key:
            logger.info("%s is of other inputs, settings or code: starting again", self._path)
            return []
        return entries[1:]

    def _write(self) -> None:
        self._digest = b""
        with atomic_write(self._path) as file:
            file.write(self._line({"key": self._key}))
            file.writelines(map(self._line, self._recorded))

    def _cut(self, index: int) -> None:
        """Remove the records from a step on: rounding on another machine can change a search."""
        logger.warning("from step %d on, the search differs from the record", index + 1)
        del self._recorded[index:]
        self._write()

    def _append(self, entry: Record) -> None:
        with self._path.open("ab") as file:
            file.write(self._line(entry))
            file.flush()
            os.fsync(file.fileno())

    def _log(self, step: int, evaluated: int) -> None:
        if evaluated > 0:
            left = max(0, self._expected - step) * self._seconds_now / evaluated
            logger.info(
                "step %d of about %d: score %.2f %%, best %.2f %%, %d evaluations now, about %.0f s left",
                step,
                max(step, self._expected),
                100 * self.steps[-1].score,
                100 * max(each.score for each in self.steps),
                evaluated,
                left,
            )

    def _line(self, entry: Mapping[str, object]) -> bytes:
        """The next line of the file."""
        text = json.dumps(entry).encode()
        self._digest = _digest(self._digest, text)
        return self._digest + b" " + text + b"\n"


def _digest(before: bytes, text: bytes) -> bytes:
    """SHA-256 of a line and of the digest before it, in hexadecimal."""
    return hashlib.sha256(before + text).hexdigest().encode()


def _sound(lines: Iterable[bytes]) -> list[bytes]:
    """The JSON of the first lines, up to one that does not match its digest."""
    sound, before = [], b""
    for line in lines:
        given, _, text = line.partition(b" ")
        before = _digest(before, text)
        if given != before:
            break
        sound.append(text)
    return sound
