"""YAML, without what it would read in silence, but not as it looks."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

import yaml

from filterbench.storage.errors import InputError, first_line

# Notations of numbers that YAML reads otherwise than most people: 010 is 8, 0x10 is 16, 1:30 is 90.
OTHER_NOTATION = re.compile(r"[-+]?0\w|.*:")
MERGE = "tag:yaml.org,2002:merge"
# Values of a file, with those that aliases repeat; aliases of aliases could come to billions.
MAX_VALUES = 100_000


def parse_yaml(text: str) -> Any:
    """The content of a YAML or JSON file.

    Raises:
        InputError: it cannot be read, or not as it looks; the message names the line, not the file.
    """
    try:
        found = yaml.load(text, Loader=_Loader)
    except RecursionError as reason:
        raise InputError("its values are nested too deeply") from reason
    except (yaml.YAMLError, ValueError) as reason:
        # Snakemake accepts JSON too, whose tabs YAML refuses.
        with suppress(ValueError, RecursionError):
            return json.loads(text)
        raise InputError(f"cannot be read as YAML ({first_line(reason)})") from reason
    if (values := _count(found, {})) > MAX_VALUES:
        raise InputError(f"its aliases make {values} values of it; at most {MAX_VALUES}")
    return found


def _count(value: object, known: dict[int, int]) -> int:
    """Number of values in a value; a value that is there several times counts each time."""
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | set) else ()
        known[id(value)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(value)]


class _Loader(yaml.SafeLoader):
    """Refuses what YAML would read in silence, but not as it looks.

    These are duplicate keys, of which YAML would use the last, numbers in other notations, texts with the
    character NUL, and values that contain themselves.
    """

    def construct_document(self, node: yaml.Node) -> object:
        # A value that contains itself cannot be built from the inside out.
        return self.construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != MERGE]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"duplicate key {key!r} (line {node.start_mark.line + 1} and below)")
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        text = super().construct_scalar(node)
        if "\0" in text:
            raise InputError(f"a text with the character NUL (line {node.start_mark.line + 1})")
        return text

    def number(self, node: yaml.ScalarNode) -> float:
        """An integer or a fraction in plain notation."""
        kind = node.tag.rpartition(":")[2]
        found = self.construct_yaml_int(node) if kind == "int" else self.construct_yaml_float(node)
        if OTHER_NOTATION.match(node.value):
            line = node.start_mark.line + 1
            raise InputError(f"YAML reads {node.value} as {found} (line {line}); write {found}")
        return found


for kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{kind}", _Loader.number)
