"""`docs/documents.md`, written from the schemas: python -m filterbench.documents.reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from filterbench.documents.rules import RULES
from filterbench.documents.schemas import SCHEMAS, schema_path

HEADING = """# Documents

Every JSON file that the workflow writes is a document with a schema (JSON Schema, draft 2020-12) in
`workflow/schemas/`. A document is checked when it is written and when it is read, and
`snakemake --cores 1 validate` checks all of them. Keys that are not listed are refused, and so are NaN
and infinity. This page is written from the schemas by `make docs`.
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
        schema = _load(schema_path(name).name)
        # A cell's document is another one where the pruner cannot reach the sparsity.
        schema |= schema.get("else", {})
        rows = "\n".join(_row(*entry) for entry in _entries(schema, schema, ""))
        table = f"| key | type | allowed | meaning |\n| --- | --- | --- | --- |\n{rows}"
        sections.append(f"## {schema['title']}\n\n{schema['description']}\n\n{table}\n")
    return "\n".join(sections)


def _load(file_name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / file_name).read_text(encoding="utf-8"))


def _entries(
    schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each key below a schema as (path, its schema, whether it is required), references followed."""
    required = schema.get("required", ())
    for key, child in schema.get("properties", {}).items():
        yield from _entry(f"{path}{key}", child, root, key in required)
    if isinstance(child := schema.get("additionalProperties"), dict):
        yield from _entry(f"{path}{{name}}", child, root, False)


def _entry(path: str, schema: dict[str, Any], root: dict[str, Any], required: bool):
    schema, root = _resolved(schema, root)
    yield path, schema, required
    yield from _entries(schema, root, f"{path}.")
    if "items" in schema:
        item, item_root = _resolved(schema["items"], root)
        yield from _entries(item, item_root, f"{path}[].")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema with its reference's keys beneath its own, and the file that they are in."""
    if "$ref" not in schema:
        return schema, root
    file_name, _, pointer = schema["$ref"].partition("#")
    root = _load(file_name) if file_name else root
    target: Any = root
    for step in pointer.strip("/").split("/"):
        target = target[step]
    target, root = _resolved(target, root)
    return target | {key: value for key, value in schema.items() if key != "$ref"}, root


def _row(path: str, schema: dict[str, Any], required: bool) -> str:
    kind = schema.get("type", "")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    meaning = schema.get("description", "")
    return f"| `{path}` | {kind} | {allowed(schema)} | {meaning}{'' if required else ' Optional.'} |"


def allowed(schema: dict[str, Any]) -> str:
    """What a schema allows beside its type, in words."""
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return ", ".join(text.format(f"{schema[key]:g}") for key, text in BOUNDS.items() if key in schema)


if __name__ == "__main__":
    print(reference(), end="")
