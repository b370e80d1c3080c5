"""What is wrong with an entry of a user's own code, before anything takes it for sound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from filterbench.data.registry import DatasetEntry
from filterbench.models.registry import ModelEntry
from filterbench.pruners.arguments import Argument
from filterbench.pruners.registry import PrunerEntry

# By kind of entry, the field that says where the code is, and how it does.
CODE: Mapping[type, str] = {PrunerEntry: "pruner", ModelEntry: "net", DatasetEntry: "images"}
PLACE = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")


def entry_faults(entry: object) -> Iterator[str]:
    """The faults of an entry, each with the name of its field and what is allowed there.

    Args:
        entry: of one of the classes in `CODE`.
    """
    for name, hint in get_type_hints(type(entry)).items():
        value, kind = getattr(entry, name), get_origin(hint) or hint
        if kind is Literal:
            if value not in get_args(hint):
                yield f"{name}: {value!r}; allowed: {', '.join(get_args(hint))}"
        elif not isinstance(value, kind):
            yield f"{name}: {value!r} is not a {kind.__name__}"
        elif name == CODE[type(entry)] and not PLACE.fullmatch(value):
            yield f"{name}: {value!r}; allowed: module:name"
        elif name == "arguments":
            yield from _argument_faults(value)


def _argument_faults(arguments: Mapping[str, Argument]) -> Iterator[str]:
    for name, argument in arguments.items():
        fault = _argument_fault(argument)
        if fault:
            yield f"arguments: {name}: {fault}; allowed: as `filterbench.pruners.arguments` makes them"


def _argument_fault(argument: Any) -> str:
    if not isinstance(argument, Mapping) or "default" not in argument:
        return f"{argument!r} is not an argument with a default"
    try:
        Draft202012Validator.check_schema(argument)
    except SchemaError as reason:
        return reason.message
    fault = next(Draft202012Validator(argument).iter_errors(argument["default"]), None)
    return f"default: {fault.message}" if fault else ""
