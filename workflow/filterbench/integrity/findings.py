"""What a check of a study finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a study.

    Attributes:
        file: where.
        path: JSON path of the faulty value, such as `$.params.speedup`; empty for the file as a whole.
        reason: what is wrong.
    """

    file: Path
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.path}: {self.reason}" if self.path else f"{self.file}: {self.reason}"


@dataclass
class Report:
    """What a check went through.

    Attributes:
        checked: documents by kind.
        unchecked: by reason, how many things could not be checked.
        missing: cells that the study asks for and that have no result.
        unfinished: documents of trainings beyond those of results, asked for as well and not there.
    """

    checked: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    unfinished: list[Path] = field(default_factory=list)


# The documents of a folder by their names without `.json`; those that are faulty by themselves are left out.
Document = dict[str, Any]
Documents = dict[str, Document]
