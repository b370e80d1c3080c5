"""Reading, checking and writing documents."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from filterbench.documents.rules import RULES
from filterbench.documents.schemas import Fault, keys_in_order, schema_faults
from filterbench.storage.errors import InputError
from filterbench.storage.files import write_text

# What other languages read exactly, too.
MAX_INTEGER = 2**53
KINDS = tuple(RULES)
DocumentType = TypeVar("DocumentType")


def kind_of(path: Path) -> str:
    """The kind of a document: its file name up to the first hyphen, without `.json`.

    Raises:
        InputError: there is no such kind.
    """
    kind = Path(path).stem.partition("-")[0]
    if kind not in KINDS:
        allowed = ", ".join(f"{name}.json" for name in KINDS)
        raise InputError(f"{path}: not the name of a document; allowed: {allowed}")
    return kind


def check(kind: str, document: Mapping[str, object]) -> list[Fault]:
    """The faults of a document: those against its schema; if there are none, those against the rules."""
    faults = list(schema_faults(kind, document))
    if not faults and "infeasible" not in document:
        faults = [fault for rule in RULES[kind] for fault in rule(document)]
    return faults


def parse(path: Path) -> Any:
    """Read a JSON file strictly.

    Raises:
        InputError: the file is missing, is not JSON, contains NaN or infinity, or has a duplicate key.
    """
    try:
        return parse_text(Path(path).read_text(encoding="utf-8"))
    except OSError as reason:
        raise InputError(f"{path}: cannot be read ({reason.strerror})") from reason
    except (ValueError, RecursionError) as reason:
        raise InputError(f"{path}: not a JSON document ({reason})") from reason


def parse_text(text: str) -> Any:
    """Read a JSON text strictly.

    Raises:
        ValueError: it is not JSON, contains NaN or infinity, or has a duplicate key.
        RecursionError: it is nested too deeply.
    """
    return json.loads(
        text,
        parse_constant=_finite,
        parse_float=_finite,
        parse_int=_countable,
        object_pairs_hook=_unique_keys,
    )


def read(path: Path, kind: type[DocumentType] | None = None) -> DocumentType:
    """Read a document and check it.

    Args:
        path: the file; its name determines its schema.
        kind: its type in `filterbench.documents.types`, for the type checker.

    Raises:
        InputError: it cannot be read, or it is faulty; the first fault is named.
    """
    name, document = kind_of(path), parse(path)
    _raise_first(path, check(name, document))
    return document


def write(path: Path, document: Mapping[str, object]) -> None:
    """Check a document and write it atomically; the same document gives the same bytes.

    Its keys are written in the order of its schema.

    Raises:
        InputError: it is faulty.
    """
    kind = kind_of(path)
    _raise_first(path, check(kind, document))
    # The schema of a collection lists no keys: they keep their own order.
    order = [key for key in keys_in_order(kind) if key in document] or document
    in_order = {key: document[key] for key in order}
    write_text(path, json.dumps(in_order, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _raise_first(path: Path, faults: list[Fault]) -> None:
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InputError(f"{path}: {faults[0]}{more}")


def _countable(text: str) -> int:
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise ValueError(f"an integer of {len(text)} digits is not allowed; at most {MAX_INTEGER:,}")
    return number


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is not allowed; numbers are finite")
    return number


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    counts = Counter(key for key, _ in pairs)
    if duplicates := sorted(key for key, count in counts.items() if count > 1):
        raise ValueError(f"duplicate key {', '.join(map(repr, duplicates))}")
    return dict(pairs)
