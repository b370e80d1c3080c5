"""The tables of shapes' latencies against the documents of their cells."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pandas as pd

from filterbench.integrity.findings import Finding
from filterbench.orchestration.plan import Plan
from filterbench.results.shapes import TIMES, settings_used, shape_row
from filterbench.storage.errors import InputError


def other_shapes(plan: Plan, folder: Path, root: Path) -> Iterator[Finding]:
    """What the tables say otherwise than the cells' documents and the study; their times are measured.

    Args:
        plan: of the study.
        folder: of the study or of its twin.
        root: the folder that holds `results/`.
    """
    for model in plan.config["models"]:
        path = folder / model / "shape_latency.csv"
        if path.is_file():
            cells = [root / cell for cell in plan.matched_cells(model, folder.name)]
            try:
                yield from (Finding(path, "", reason) for reason in _faults(path, cells, plan))
            except InputError as reason:
                yield Finding(path, "", f"cannot be checked: {reason}")


def _faults(path: Path, cells: list[Path], plan: Plan) -> Iterator[str]:
    described = [shape_row(cell) for cell in cells]
    rows, layers = [row for row, _ in described], [each for _, each in described]
    expected = _as_text(pd.DataFrame(rows).assign(**settings_used(plan.latency)).to_csv(index=False))
    try:
        found = _as_text(path.read_text(encoding="utf-8"))
        times = found[[*TIMES]].apply(pd.to_numeric)
        others = found.drop(columns=[*TIMES, "machine"])
    except (ValueError, KeyError) as reason:
        yield f"not a table of shapes' latencies ({reason})"
        return
    if not others.equals(expected):
        yield "not what its cells' documents and the study give: changed by hand, or not rebuilt"
        return
    timed = times[[bool(each) for each in layers]]
    shapes = pd.Series([str([layer["kept"] for layer in each]) for each in layers if each], timed.index)
    if not (timed > 0).all(axis=None) or times.drop(timed.index).notna().any(axis=None):
        yield "a cell without times, or times of an infeasible cell"
    elif (timed.groupby(shapes).nunique() > 1).any(axis=None):
        yield "cells of one shape with different times, though each shape is timed once"


def _as_text(table: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(table), dtype=str, keep_default_na=False)
