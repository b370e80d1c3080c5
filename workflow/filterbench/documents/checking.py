"""Reading, checking and writing documents."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

from filterbench.documents.rules import RULES, Document
from filterbench.documents.schemas import Fault, keys_in_order, schema_faults
from filterbench.storage.errors import InputError
from filterbench.storage.files import atomic_write

# What other languages read exactly, too.
MAX_INTEGER = 2**53
KINDS = tuple(RULES)
DocumentType = TypeVar("DocumentType")


def kind_of(path: Path) -> str:
    """The kind of a document: its file name without `.json` and without a hyphen and what follows it.

    Raises:
        InputError: there is no such kind.
    """
    kind = Path(path).stem.partition("-")[0]
    if kind not in KINDS:
        allowed = ", ".join(f"{name}.json" for name in KINDS)
        raise InputError(f"{path}: no document of the workflow has this name; allowed: {allowed}")
    return kind


def check(kind: str, document: Any) -> list[Fault]:
    """Everything that is wrong with a document: first by its schema, then by the rules across keys."""
    faults = list(schema_faults(kind, document))
    if not faults and "infeasible" not in document:
        faults = [fault for rule in RULES[kind] for fault in rule(document)]
    return faults


def parse(path: Path) -> Any:
    """Read a JSON file strictly.

    Raises:
        InputError: the file is missing, is no JSON, holds NaN or infinity, or names a key twice.
    """
    try:
        return json.loads(
            Path(path).read_text(encoding="utf-8"),
            parse_constant=_refuse_number,
            parse_float=_finite,
            parse_int=_countable,
            object_pairs_hook=_unique_keys,
        )
    except OSError as reason:
        raise InputError(f"{path}: cannot be read ({reason.strerror})") from reason
    except (ValueError, RecursionError) as reason:
        raise InputError(f"{path}: not a JSON document ({reason})") from reason


@overload
def read(path: Path) -> Document: ...


@overload
def read(path: Path, kind: type[DocumentType]) -> DocumentType: ...


def read(path: Path, kind: Any = dict) -> Any:
    """Read a document and check it.

    Args:
        path: the file; its name says which schema it has.
        kind: its type in `filterbench.documents.types`, for the type checker.

    Raises:
        InputError: it cannot be read, or it is faulty (the first fault is named).
    """
    name = kind_of(path)
    document = parse(path)
    _raise_first(path, check(name, document))
    return document


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Check a document and write it whole or not at all; the same document gives the same bytes.

    Its keys are written in the order of its schema.

    Raises:
        InputError: it is faulty.
    """
    kind = kind_of(path)
    _raise_first(path, check(kind, document))
    order = [key for key in keys_in_order(kind) if key in document]
    # A collection has any names for keys, in an order of its own.
    in_order = {key: document[key] for key in order} if order else document
    text = json.dumps(in_order, indent=2, allow_nan=False, ensure_ascii=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def _raise_first(path: Path, faults: list[Fault]) -> None:
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InputError(f"{path}: {faults[0]}{more}")


def _refuse_number(name: str) -> float:
    raise ValueError(f"{name} is not allowed; numbers are finite")


def _countable(text: str) -> int:
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise ValueError(f"an integer of {len(text)} digits is not allowed; at most {MAX_INTEGER:,}")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse_number(text)
    return number


def _unique_keys(pairs: list[tuple[str, Any]]) -> Document:
    keys = [key for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"key {', '.join(map(repr, twice))} stands twice")
    return dict(pairs)
