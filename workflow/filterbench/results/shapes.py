"""What the documents say of the rows of `shape_latency.csv`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from filterbench.documents import read
from filterbench.documents.parts import LayerRecord
from filterbench.documents.types import CountDocument, SpeedupDocument
from filterbench.results.tables import asked_columns
from filterbench.study.cells import Config

# Columns of what is measured: medians of the unpruned net and of a cell's shape, in milliseconds.
TIMES = ("latency_original", "latency_compact")
# The settings that a measured time depends on.
USED = ("batch", "runs", "warm_up", "threads")


def shape_row(cell: Path) -> tuple[dict[str, Any], list[LayerRecord]]:
    """A cell's row without its times, and the layers of its shape; an infeasible cell has none.

    Args:
        cell: folder of the cell, with `speedup.json` and `count.json`.
    """
    document = read(cell / "speedup.json", SpeedupDocument)
    row: dict[str, Any] = asked_columns(document["cell"])
    if "infeasible" in document:
        return {**row, "infeasible": document["infeasible"], "params_compact": None}, []
    params = read(cell / "count.json", CountDocument)["params"]["speedup"]
    return {**row, "infeasible": None, "params_compact": params}, document["layers"]


def settings_used(settings: Config) -> Config:
    """The columns of how the times were measured."""
    return {"runtime": settings["runtimes"][0], **{name: settings[name] for name in USED}}
