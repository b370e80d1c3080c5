"""`merged.md` from `merged.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from filterbench.storage.markdown import markdown_table, number

LIMITS = """\
- Machines differ in the last bits of their sums, and training amplifies that: the accuracies of one cell on
  two machines differ as those of two seeds do. So no mean here is over machines.
- Versions of FilterBench and torch can change a result, too. A mean over cells of several versions says so
  beside its machine.
- Every folder passed `validate`, and all trainings and searches have equal settings. That shows that the
  documents hold together. It does not show who computed them, or that anybody did (docs/submitting.md).
- Times are left out: they are those of one machine."""


def merged_page(document: Mapping[str, Any]) -> str:
    """The page in Markdown; texts from the folders show as they are written."""
    lines = [f"# Study {document['study']}, merged from {len(document['folders'])} folders", ""]
    lines += ["## The folders", "", _folders(document["folders"]), "", *_several(document["on_several"])]
    for model in dict.fromkeys(each["model"] for each in document["means"]):
        own = [each for each in document["means"] if each["model"] == model]
        lines += [f"## {model}", "", "Means over seeds, of one machine each.", "", _means(own), ""]
    return "\n".join([*lines, "## What this shows, and what not", "", LIMITS, ""])


def _folders(folders: Iterable[Mapping[str, Any]]) -> str:
    heading = ["folder", "study", "cells", "missing", "machines", "versions", "not checked", "manifest"]
    rows = [
        [
            _plain(each["folder"]),
            each["study"],
            each["cells"],
            each["missing"],
            _plain("; ".join(each["machines"])),
            _plain("; ".join(each["versions"])),
            "; ".join(f"{count} {reason}" for reason, count in each["unchecked"].items()),
            each["manifest"][:12],
        ]
        for each in folders
    ]
    return markdown_table(heading, rows)


def _several(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """The cells that several machines made, one line per machine; nothing where there are none."""
    rows = []
    for each in cells:
        first = [each["model"], each["pruner"], each["target"], each["seed"]]
        for machine, accuracy in each["accuracies"].items():
            rows.append([*first, _plain(machine), _per_cent(accuracy), number(each["range_points"], ".2f")])
    if not rows:
        return []
    heading = ["model", "pruner", "target", "seed", "machine", "accuracy (%)", "apart (points)"]
    return ["## Cells of several machines", "", markdown_table(heading, rows), ""]


def _means(means: Iterable[Mapping[str, Any]]) -> str:
    heading = ["pruner", "target", "machine", "seeds", "accuracy (%)", "95 %", "params", "FLOPs"]
    rows = []
    for each in means:
        made, lost = (", ".join(map(str, each[key])) for key in ("seeds", "infeasible"))
        seeds = "; ".join(filter(None, (made, lost and f"infeasible: {lost}")))
        interval = "" if each["low"] is None else f"{_per_cent(each['low'])} to {_per_cent(each['high'])}"
        counts = [number(each[name], ",.0f") for name in ("params", "flops")]
        machine = _plain(each["machine"])
        if len(each["versions"]) > 1:
            machine += f"; {len(each['versions'])} versions"
        first = [each["pruner"], each["target"], machine, seeds]
        rows.append([*first, _per_cent(each["accuracy"]), interval, *counts])
    return markdown_table(heading, rows)


def _per_cent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _plain(text: str) -> str:
    """A text from outside as code, so that a reader's page runs none of it."""
    return f"`{text.replace('`', chr(39))}`"
