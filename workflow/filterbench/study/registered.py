"""`docs/registered.md`, written from the registries: python -m filterbench.study.registered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from filterbench.data.registry import DATASETS
from filterbench.documents.reference import allowed
from filterbench.models import torchvision_nets
from filterbench.models.registry import MODELS
from filterbench.pruners.registry import PRUNERS, PrunerEntry
from filterbench.storage.markdown import markdown_table

HEADING = """# Models, datasets and pruners

The names that a study can use. This page is generated from the registries by `make docs`. To add to them:
[extending.md](extending.md).
"""


def registered() -> str:
    """The page in Markdown."""
    every = MODELS | torchvision_nets.MODELS
    models = ((f"`{name}`", entry.label, entry.paper) for name, entry in every.items())
    datasets = ((f"`{name}`", entry.label, entry.source) for name, entry in DATASETS.items())
    pruners = ((f"`{name}`", _about(entry), entry.paper) for name, entry in PRUNERS.items())
    sections = [
        HEADING,
        _section(
            "Models",
            "Under `models`, each with a `width`, which is 1 for torchvision's nets.",
            ("name", "label", "source"),
            models,
        ),
        _section("Datasets", "As `dataset.name`.", ("name", "label", "source"), datasets),
        _section(
            "Pruners",
            "Under `pruners`, with `{}` for the defaults. A *control* is for comparison "
            "([controls.md](controls.md)).",
            ("name", "how", "source"),
            pruners,
        ),
        _section(
            "Arguments",
            "Under a pruner's `arguments` or, for one model, below its `models`. NNI's pruners have NNI's "
            "arguments and defaults.",
            ("pruner", "argument", "type", "allowed", "default", "meaning"),
            _arguments(),
        ),
    ]
    return "\n".join(sections)


def _about(entry: PrunerEntry) -> str:
    how = {
        "none": "ranks filters once",
        "candidates": "searches for each target separately",
        "path": "searches, one path for all targets",
    }
    parts = [
        "control" if entry.control else "",
        how[entry.search],
        "" if entry.budgets else "no budgets",
        "only at searched cells" if entry.matched else "",
    ]
    return ", ".join(part for part in parts if part)


def _arguments() -> Iterator[tuple[str, ...]]:
    for name, entry in PRUNERS.items():
        for argument, schema in entry.arguments.items():
            kind = schema.get("type", "string")
            kind = kind if isinstance(kind, str) else " or ".join(kind)
            default = str(schema["default"]).lower() or "to be given"
            yield f"`{name}`", f"`{argument}`", kind, allowed(schema), default, schema["description"]


def _section(title: str, text: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return f"## {title}\n\n{text}\n\n{markdown_table(header, rows)}\n"


if __name__ == "__main__":
    print(registered(), end="")
