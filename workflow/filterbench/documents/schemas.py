"""Reading the schemas in workflow/schemas and finding what breaks them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[2] / "schemas"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a document.

    Attributes:
        path: JSON path of the faulty value, such as `$.params.speedup`.
        reason: what is wrong and what is allowed.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def schema_path(name: str) -> Path:
    """The file of the schema called `name`, such as `result`."""
    return SCHEMAS / f"{name}.schema.json"


@cache
def _validator(name: str) -> Draft202012Validator:
    registry: Registry = Registry(retrieve=_retrieve)  # type: ignore[call-arg]
    return Draft202012Validator({"$ref": f"{name}.schema.json"}, registry=registry)


def _retrieve(uri: str) -> Resource:
    return Resource.from_contents(json.loads((SCHEMAS / uri).read_text(encoding="utf-8")))


def schema_faults(name: str, value: Any) -> Iterator[Fault]:
    """What in a JSON value breaks the schema called `name`, by JSON path."""
    for error in sorted(_validator(name).iter_errors(value), key=lambda error: error.json_path):
        yield Fault(error.json_path, _reason(error))


def _reason(error: ValidationError) -> str:
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        allowed = schema["properties"]
        unknown = sorted(key for key in error.instance if key not in allowed)  # type: ignore[union-attr]
        return f"unknown key {', '.join(map(repr, unknown))}; allowed: {', '.join(allowed)}"
    if error.validator == "required":
        missing = [key for key in schema["required"] if key not in error.instance]  # type: ignore[operator]
        return f"missing key {', '.join(map(repr, missing))}"
    if error.validator == "uniqueItems":
        return f"{error.instance} names a value twice; each may stand once"
    return error.message if len(error.message) < 200 else f"{error.message[:200]}..."
