"""`docs/documents.md`, written from the schemas: python -m filterbench.documents.reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from filterbench.documents.rules import RULES
from filterbench.documents.schemas import Schema, load_schema
from filterbench.storage.markdown import markdown_table

HEADING = """# Documents

Every JSON file that the workflow writes is a document with a schema (JSON Schema, draft 2020-12) in
`workflow/filterbench/schemas/`. A document is checked when it is written and when it is read, and
`snakemake --cores 1 validate` checks all of them. Unlisted keys, NaN and infinity are refused. This page is
generated from the schemas by `make docs`.
"""
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


def reference() -> str:
    """The page in Markdown: a table for each kind of document, one for the config and one for a plan."""
    sections = [HEADING]
    for name in [*RULES, "infeasible", "search", "config", "plan"]:
        schema = load_schema(name)
        # `then` is the document of an infeasible cell, which has a table of its own.
        schema |= schema.get("else", {})
        rows = (_row(*entry) for entry in _entries(schema, schema, ""))
        table = markdown_table(("key", "type", "allowed", "meaning"), rows)
        sections.append(f"## {schema['title']}\n\n{schema['description']}\n\n{table}\n")
    return "\n".join(sections)


def _entries(schema: Schema, root: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """Each key below a schema as (path, its schema, whether it is required), references followed."""
    required = schema.get("required", ())
    for key, child in schema.get("properties", {}).items():
        yield from _entry(f"{path}{key}", child, root, key in required)
    if isinstance(others := schema.get("additionalProperties"), dict):
        yield from _entry(f"{path}{{name}}", others, root, False)


def _entry(path: str, schema: Schema, root: Schema, required: bool) -> Iterator[tuple[str, Schema, bool]]:
    schema, root = _resolved(schema, root)
    yield path, schema, required
    yield from _entries(schema, root, f"{path}.")
    if "items" in schema:
        yield from _entries(*_resolved(schema["items"], root), f"{path}[].")


def _resolved(schema: Schema, root: Schema) -> tuple[Schema, Schema]:
    """A schema on top of the one that it refers to, and the content of the file that holds that one."""
    if "$ref" not in schema:
        return schema, root
    file_name, _, pointer = schema["$ref"].partition("#")
    root = load_schema(file_name.removesuffix(".schema.json")) if file_name else root
    target: Any = root
    for step in pointer.strip("/").split("/"):
        target = target[step]
    target, root = _resolved(target, root)
    merged: Schema = target | schema
    del merged["$ref"]
    return merged, root


def _row(path: str, schema: Schema, required: bool) -> tuple[str, ...]:
    kind = schema.get("type", "")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    meaning = schema.get("description", "")
    return f"`{path}`", kind, allowed(schema), f"{meaning}{'' if required else ' Optional.'}"


def allowed(schema: Mapping[str, object]) -> str:
    """The values that a schema allows within its type, in words."""
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if isinstance(values := schema.get("enum"), list):
        return ", ".join(f"`{value}`" for value in values)
    return ", ".join(text.format(f"{schema[key]:g}") for key, text in BOUNDS.items() if key in schema)


if __name__ == "__main__":
    print(reference(), end="")
