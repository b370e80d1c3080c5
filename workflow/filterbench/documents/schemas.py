"""Reading the schemas in workflow/schemas and finding what breaks them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker, validators
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

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


def _is_whole(checker: TypeChecker, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(
    validator: Any, pattern: str, value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The keyword `pattern`; its `$` is the end, as in ECMA-262, and not before a last line break, too."""
    if validator.is_type(value, "string") and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})
# JSON Schema takes 2.0 for an integer, as NNI's results have counts; a study's settings are counted with.
_StudyValidator = validators.extend(
    _Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)


@cache
def _registry() -> Registry:
    """All schemas, followed once: a registry that retrieves them when asked forgets them each time."""
    return Registry().with_resources((path.name, _resource(path)) for path in SCHEMAS.glob("*.json")).crawl()


def _resource(path: Path) -> Resource:
    contents = json.loads(path.read_text(encoding="utf-8"))
    # A schema that names its draft is checked by that draft's own class of validator.
    del contents["$schema"]
    return DRAFT202012.create_resource(contents)


@cache
def _validator(name: str) -> Draft202012Validator:
    kind = _StudyValidator if name in ("config", "plan") else _Validator
    return kind({"$ref": f"{name}.schema.json"}, registry=_registry())


@cache
def keys_in_order(name: str) -> tuple[str, ...]:
    """The keys that the schema called `name` lists, in its order; none where it allows any."""
    schema = json.loads(schema_path(name).read_text(encoding="utf-8"))
    infeasible = ("cell", "infeasible") if "else" in schema else ()
    own = schema.get("else", schema).get("properties", {})
    return tuple(dict.fromkeys([*infeasible, *own]))


def schema_faults(name: str, value: Any) -> Iterator[Fault]:
    """What in a JSON value breaks the schema called `name`, by JSON path."""
    yield from _faults(_validator(name), value)


def faults_against(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[Fault]:
    """What in a setting of a study breaks a schema.

    Args:
        schema: it refers to no other.
        value: of the setting.
        path: where the value stands, such as `$.pruners`.
    """
    for fault in _faults(_StudyValidator(schema), value):
        yield Fault(path + fault.path.removeprefix("$"), fault.reason)


def _faults(validator: Draft202012Validator, value: Any) -> Iterator[Fault]:
    for error in sorted(validator.iter_errors(value), key=lambda error: error.json_path):
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
    if error.validator == "type" and (better := _better_written(error.instance, schema["type"])):
        return f"{error.message}; write {better}"
    if error.validator == "uniqueItems":
        return f"{error.instance} names a value twice; each may stand once"
    if error.validator == "maxLength":
        return f"{len(error.instance)} characters; allowed: at most {schema['maxLength']}"  # type: ignore[arg-type]
    return error.message if len(error.message) < 200 else f"{error.message[:200]}..."


def _better_written(value: Any, wanted: str | list[str]) -> str:
    """How to write a number that YAML reads as text (1e-2) or as a fraction (2.0); empty if it is none."""
    kinds = [wanted] if isinstance(wanted, str) else wanted
    try:
        number = float(value) if isinstance(value, str | float) else math.nan
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    if "integer" in kinds:
        return str(int(number)) if number == int(number) else ""
    return repr(number) if "number" in kinds else ""
