"""Reading the package's schemas and finding violations of them."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from filterbench.storage.errors import InputError

SCHEMAS = Path(__file__).parents[1] / "schemas"
MAX_REASON = 200

# A JSON Schema, as far as the workflow reads its keywords itself.
Schema = TypedDict(
    "Schema",
    {
        "$schema": str,
        "$ref": str,
        "title": str,
        "description": str,
        "type": str | list[str],
        "const": object,
        "enum": list[object],
        "properties": dict[str, "Schema"],
        "required": list[str],
        "additionalProperties": "bool | Schema",
        "items": "Schema",
        "else": "Schema",
    },
    total=False,
)


@dataclass(frozen=True)
class Fault:
    """A violation: JSON path of a value, such as `$.params.speedup`, what is wrong and what is allowed."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def refuse(source: object, faults: Sequence[Fault]) -> None:
    """Refuse a user's file that has faults.

    Raises:
        InputError: one line with the file and each fault.
    """
    if faults:
        raise InputError(f"{source}: " + "; ".join(str(fault).removeprefix("$.") for fault in faults))


def schema_path(name: str) -> Path:
    """The file of the schema called `name`, such as `result`."""
    return SCHEMAS / f"{name}.schema.json"


def load_schema(name: str) -> Schema:
    """The content of the schema called `name`."""
    return json.loads(schema_path(name).read_text(encoding="utf-8"))


def _pattern(
    validator: Draft202012Validator, pattern: str, value: str, schema: object
) -> Iterator[ValidationError]:
    """The keyword `pattern`; its `$` matches only at the end of the text, as in ECMA-262."""
    if validator.is_type(value, "string") and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})
# JSON Schema accepts 2.0 as an integer, which NNI's results need. The integers of a study must be whole, and
# its numbers finite: YAML has infinity and NaN, and no bound refuses NaN.
_StudyValidator = validators.extend(
    _Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: type(value) in (int, float) and abs(value) <= sys.float_info.max,
        }
    ),
)


@cache
def _registry() -> Registry:
    """All schemas, with their references resolved once instead of at each look-up."""
    names = [path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json")]
    resources = ((schema_path(name).name, _resource(load_schema(name))) for name in names)
    return Registry().with_resources(resources).crawl()


def _resource(schema: Schema) -> Resource:
    # A schema that names its draft is checked by that draft's own class of validator.
    del schema["$schema"]
    return DRAFT202012.create_resource(schema)


@cache
def _validator(name: str) -> Draft202012Validator:
    kind = _StudyValidator if name in ("config", "plan") else _Validator
    return kind({"$ref": f"{name}.schema.json"}, registry=_registry())


@cache
def keys_in_order(name: str) -> tuple[str, ...]:
    """The keys that the schema called `name` lists, in its order; empty where it allows any key."""
    schema = load_schema(name)
    infeasible = ("cell", "infeasible") if "else" in schema else ()
    own = schema.get("else", schema).get("properties", {})
    return tuple(dict.fromkeys([*infeasible, *own]))


def schema_faults(name: str, value: object) -> Iterator[Fault]:
    """Violations of the schema called `name` in a JSON value, ordered by JSON path."""
    return _faults(_validator(name), value)


def faults_against(schema: Mapping[str, object], value: object, path: str) -> Iterator[Fault]:
    """Violations of a schema, without references, in a study's value at a JSON path such as `$.pruners`."""
    for fault in _faults(_StudyValidator(schema), value):
        yield Fault(path + fault.path.removeprefix("$"), fault.reason)


def _faults(validator: Draft202012Validator, value: object) -> Iterator[Fault]:
    for error in sorted(validator.iter_errors(value), key=_path):
        yield Fault(_path(error), _reason(error))


def _path(error: ValidationError) -> str:
    """The JSON path of a violation; YAML has keys that are no texts, and JSON has not."""
    parts = [part if isinstance(part, int) else str(part) for part in error.absolute_path]
    return ValidationError("", path=parts).json_path


def _reason(error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    match error.validator:
        case "additionalProperties":
            unknown = sorted((key for key in instance if key not in schema["properties"]), key=str)
            return f"unknown key {', '.join(map(repr, unknown))}; allowed: {', '.join(schema['properties'])}"
        case "required":
            missing = [key for key in schema["required"] if key not in instance]
            return f"missing key {', '.join(map(repr, missing))}"
        case "type" if better := _better_written(instance, schema["type"]):
            return f"{error.message}; write {better}"
        case "type" if isinstance(instance, float) and not math.isfinite(instance):
            return f"{instance} is not a finite number"
        case "uniqueItems":
            return f"{instance} has a duplicate value; each is allowed once"
        case "maxLength":
            return f"{len(instance)} characters; allowed: at most {schema['maxLength']}"
    message = error.message
    return message if len(message) < MAX_REASON else f"{message[:MAX_REASON]}..."


def _better_written(value: object, kinds: str | list[str]) -> str:
    """How to write a number that YAML reads as text (1e-2) or as a fraction (2.0); else empty."""
    try:
        number = float(value) if isinstance(value, str | float) else math.nan
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    if "integer" in kinds:
        return str(int(number)) if number == int(number) else ""
    return repr(number) if "number" in kinds else ""
