"""Single edits of a finished study, of every kind that a hand or a disk makes."""

import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What is no evidence: it is written by the check itself.
VERDICTS = ("validation.json",)
NUMBER = re.compile(rb"\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Edit:
    """One edit.

    Attributes:
        kind: in a word.
        path: of the file that is changed or added.
        content: what the file holds then; None where it is removed, an empty tuple for a folder in its place.
    """

    kind: str
    path: Path
    content: bytes | tuple[()] | None

    @contextmanager
    def made(self) -> Iterator[None]:
        """The edit, undone at the end."""
        before = self.path.read_bytes() if self.path.is_file() else None
        new = [folder for folder in self.path.parents if not folder.exists()]
        self.path.unlink(missing_ok=True)
        if self.content == ():
            self.path.mkdir()
        elif self.content is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(self.content)
        try:
            yield
        finally:
            if self.path.is_dir():
                self.path.rmdir()
            self.path.unlink(missing_ok=True)
            if before is not None:
                self.path.write_bytes(before)
            if new:
                shutil.rmtree(new[-1])


def edits_of_files(study: Path, dice: random.Random) -> Iterator[Edit]:
    """Each file changed, removed, emptied, exchanged for its namesake, or with a folder in its place."""
    files = [path for path in sorted(study.rglob("*")) if path.is_file() and _counts(path)]
    for path in files:
        content = path.read_bytes()
        yield Edit("removed", path, None)
        yield Edit("folder", path, ())
        if content:
            yield Edit("emptied", path, b"")
            yield Edit("cut off", path, content[: len(content) // 2])
            yield Edit("bit", path, flipped(content, dice))
        others = [other for other in files if other.name == path.name and other.read_bytes() != content]
        if others:
            yield Edit("exchanged", path, dice.choice(others).read_bytes())


def edits_of_numbers(path: Path, dice: random.Random) -> Iterator[Edit]:
    """One digit in each number of a text."""
    content = path.read_bytes()
    for found in NUMBER.finditer(content):
        place = dice.choice([at for at in range(*found.span()) if content[at : at + 1].isdigit()])
        digit = dice.choice([digit for digit in b"0123456789" if digit != content[place]])
        yield Edit("number", path, content[:place] + bytes([digit]) + content[place + 1 :])


def edits_of_rows(path: Path) -> Iterator[Edit]:
    """Each row of a table removed, doubled, or with text where a number belongs."""
    lines = path.read_bytes().splitlines(keepends=True)
    for index in range(1, len(lines)):
        yield Edit("row removed", path, b"".join(lines[:index] + lines[index + 1 :]))
        yield Edit("row doubled", path, b"".join(lines[: index + 1] + lines[index:]))
        words = NUMBER.sub(b"many", lines[index], count=1)
        if words != lines[index]:
            yield Edit("row of words", path, b"".join([*lines[:index], words, *lines[index + 1 :]]))


def added_files(study: Path) -> Iterator[Edit]:
    """Files that no job makes, or that nobody asked for."""
    for path in sorted(study.rglob("*.json")):
        if _counts(path):
            for name in (f"{path.stem}-better.json", f"{path.stem}.json.orig", f"{path.stem}_final.csv"):
                yield Edit("added", path.with_name(name), path.read_bytes())
    for cell in sorted({path.parent for path in study.rglob("result.json")}):
        seed, pruner, target = cell.parent.parent, cell.parent, cell.name
        for place in (
            pruner / f"{target}0",
            seed / "OtherPruner" / target,
            seed.with_name("seed-77") / pruner.name / target,
        ):
            yield Edit("nobody asked", place / "result.json", (cell / "result.json").read_bytes())


def flipped(content: bytes, dice: random.Random) -> bytes:
    """The same with one bit the other way."""
    place, bit = dice.randrange(len(content)), 1 << dice.randrange(8)
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def every_edit(study: Path, dice: random.Random) -> Iterator[Edit]:
    """All edits of a study, file by file."""
    yield from edits_of_files(study, dice)
    yield from added_files(study)
    for path in sorted(study.rglob("*")):
        if path.is_file() and _counts(path):
            if path.suffix in (".json", ".csv", ".md", ".tsv"):
                yield from edits_of_numbers(path, dice)
            if path.suffix == ".csv":
                yield from edits_of_rows(path)


def _counts(path: Path) -> bool:
    # State files, and those in hidden folders, vouch for themselves.
    return path.name not in VERDICTS and not any(part.startswith(".") for part in path.parts)
