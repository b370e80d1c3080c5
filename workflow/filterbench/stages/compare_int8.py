"""Rule `compare_int8`: a model's cells in int8 beside float32, as a table and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import read
from filterbench.documents.columns import net_columns
from filterbench.documents.measurements import Int8Document
from filterbench.documents.types import ResultDocument
from filterbench.jobs.job import Job
from filterbench.plotting.comparison import measurement_title, study_title
from filterbench.plotting.int8 import draw_int8
from filterbench.plotting.saving import save_kinds
from filterbench.results.tables import asked_columns, check_feasible, without_empty_targets
from filterbench.results.titles import labels, shown
from filterbench.storage.tables import write_table


def compare_int8(job: Job) -> None:
    """Write the table, one row per cell, and the figure.

    Raises:
        InputError: no cell is feasible.
    """
    table = without_empty_targets(pd.DataFrame([_row(Path(path)) for path in job.params["cells"]]))
    check_feasible(table, job.outputs["table"].parent)
    write_table(job.outputs["table"], table)
    about = f"{study_title(table, *labels(job.params))}\nonnxruntime, {measurement_title(table)}"
    figure = draw_int8(with_statistics(as_curves(table)), shown(about, job.params))
    save_kinds(figure, job.outputs)


def _row(cell: Path) -> dict[str, Any]:
    """What a cell's documents say; an infeasible cell has a reason and no numbers.

    Latencies are relative to that of the unpruned net in float32.
    """
    int8 = read(cell / "int8.json", Int8Document)
    if "infeasible" in int8:
        return {**asked_columns(int8["cell"]), "infeasible": int8["infeasible"]}
    params = read(cell / "result.json", ResultDocument)["params"]
    timed = [
        (name, timing["median"], timings["original"]["median"])
        for batch, timings in int8["latency"].items()
        for name, timing in net_columns(batch, timings).items()
    ]
    return {
        **asked_columns(int8["cell"]),
        "infeasible": None,
        **net_columns("params", params),
        **net_columns("performance", int8["performance"]),
        "test_images": int8["images"]["test"],
        **{f"latency_{name}": median for name, median, _ in timed},
        **{f"relative_{name}": median / original for name, median, original in timed},
        **net_columns("onnx_bytes", int8["onnx_bytes"]),
        **int8["settings"],
        "machine": int8["machine"]["cpu"],
    }
