"""A table of reported points (CSV), read as strictly as a study: each value is used or refused by name."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filterbench.analysis.printed import Printed, read_count, read_factor, read_number, read_share
from filterbench.storage.errors import InputError, first_line

REQUIRED = ("source", "model", "accuracy", "convention")
# Of each of the two costs, one of these is needed.
SIZES = tuple(f"{cost}{kind}" for cost in ("params", "flops") for kind in ("", "_factor", "_reduction"))
OPTIONAL = (
    *("label", "dataset", "pruner", "sparsity", "like_for_like", *SIZES),
    *("base_accuracy", "change", "base_params", "base_flops", "layers", "runs", "training"),
    *("address", "checked", "note"),
)
COLUMNS = (*REQUIRED, *OPTIONAL)
# Of a number, a date and the like.
MAX_CHARACTERS = 40
# What other programs separate fields with.
SEPARATORS = {";": "semicolons", "\t": "tabs"}
# How this workflow counts (docs/method.md).
OWN_CONVENTION = "nni-full"
# Columns of words: what is allowed, in words and as a pattern.
WORDS = {
    "like_for_like": ("yes or no", "yes|no"),
    "runs": ("such as single, mean of 3, best", r"single|(mean|best) of \d+|mean|best"),
    "checked": ("a date such as 2026-11-28, or `not checked`", r"\d{4}-\d{2}-\d{2}|not checked"),
}


@dataclass(frozen=True)
class Claim:
    """One row: what a paper prints of one net.

    Attributes:
        line: of the file.
        texts: all columns as written, without the spaces around them.
        numbers: by column, what is printed and how precisely: accuracies from 0 to 1, counts, factors, and
            reductions and changes in per cent and percentage points. A column without a value is absent.
        like_for_like: whether it was measured as the study's cells are.
    """

    line: int
    texts: Mapping[str, str]
    numbers: Mapping[str, Printed]
    like_for_like: bool

    def __getattr__(self, name: str) -> str:
        """A column's text."""
        if name in COLUMNS:
            return self.texts[name]
        raise AttributeError(name)

    def value(self, column: str) -> float:
        """A column's number; NaN where it has none."""
        return self.numbers[column].value if column in self.numbers else math.nan

    @property
    def title(self) -> str:
        """The point's name in figures."""
        return self.texts["label"] or " ".join(filter(None, (self.texts["pruner"], self.texts["source"])))

    def factor(self, cost: str) -> float:
        """How many times fewer params or FLOPs, as its factor or its reduction says; NaN if neither does."""
        left = 1 - self.value(f"{cost}_reduction") / 100
        return self.value(f"{cost}_factor") if f"{cost}_factor" in self.numbers else 1 / left


def read_rows(path: Path) -> list[Claim]:
    """The rows of a table; docs/claims.md says what its columns mean.

    Raises:
        InputError: the file is not such a table; the message names the row and the column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as reason:
        raise InputError(
            f"{path}: not a table in UTF-8 ({first_line(reason)}); save it as CSV UTF-8"
        ) from reason
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not a readable table ({first_line(reason)})") from reason
    if not text.strip():
        raise InputError(f"{path} is empty; columns: {', '.join(COLUMNS)}")
    (_, names), *rows = _records(path, text)
    header = [name.strip() for name in names]
    _check_header(path, header)
    if not rows:
        raise InputError(f"{path}: no rows; columns: {', '.join(COLUMNS)}")
    return [_claim(f"{path}: line {line}", line, header, fields) for line, fields in rows]


def _records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """The records of a table that are not blank, each with the line on which it begins."""
    first = text.lstrip().partition("\n")[0]
    for separator, words in SEPARATORS.items():
        if "," not in first and separator in first:
            raise InputError(f"{path}: the columns are separated by {words}; allowed: commas")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records, line = [], 1
    try:
        for fields in reader:
            if fields:
                records.append((line, fields))
            line = reader.line_num + 1
    except csv.Error as reason:
        raise InputError(f"{path}: not a readable table (line {line}: {first_line(reason)})") from reason
    return records


def _check_header(path: Path, header: Sequence[str]) -> None:
    wrong = [f"no column {name!r}" for name in REQUIRED if name not in header]
    wrong += [f"unknown column {name!r}" for name in header if name not in COLUMNS]
    wrong += [f"duplicate column {name!r}" for name in dict.fromkeys(header) if header.count(name) > 1]
    if wrong:
        raise InputError(f"{path}: {', '.join(wrong)}; columns: {', '.join(COLUMNS)}")


def _claim(where: str, line: int, header: Sequence[str], fields: Sequence[str]) -> Claim:
    """A row's values, each of its type."""
    if len(fields) != len(header):
        raise InputError(
            f"{where} has {len(fields)} fields, the header {len(header)}; a text that holds a comma is "
            'written in quotation marks, as in "Doe et al., 2024"'
        )
    texts = dict.fromkeys(COLUMNS, "") | {
        name: value.strip() for name, value in zip(header, fields, strict=True)
    }
    for name in REQUIRED:
        if not texts[name]:
            raise InputError(f"{where}: {name} is empty")
    for name in (*NUMBERS, *WORDS):
        if len(texts[name]) > MAX_CHARACTERS:
            raise InputError(
                f"{where}: {name} has {len(texts[name])} characters; allowed: up to {MAX_CHARACTERS}"
            )
    numbers = {name: read(f"{where}: {name}", texts[name]) for name, read in NUMBERS.items() if texts[name]}
    if not any(name in numbers for name in SIZES):
        raise InputError(f"{where}: one of {', '.join(SIZES[:-1])} and {SIZES[-1]} is needed")
    for name, (words, pattern) in WORDS.items():
        if texts[name] and not re.fullmatch(pattern, texts[name]):
            raise InputError(f"{where}: {name}: {texts[name]!r}; allowed: {words}, or nothing")
    alike = texts["convention"] == OWN_CONVENTION
    like_for_like = texts["like_for_like"] == "yes" if texts["like_for_like"] else alike
    return Claim(line, texts, numbers, like_for_like)


NUMBERS = {
    "accuracy": read_share,
    "base_accuracy": read_share,
    "change": read_number,
    **dict.fromkeys(("params", "flops", "base_params", "base_flops"), read_count),
    **dict.fromkeys(("params_factor", "flops_factor"), read_factor),
    **dict.fromkeys(
        ("params_reduction", "flops_reduction"), lambda where, text: read_number(where, text, 0, 100)
    ),
}
