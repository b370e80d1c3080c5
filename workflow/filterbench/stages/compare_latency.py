"""Rule `compare_latency`: the measured latencies of a model's cells, as a table and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd

from filterbench.analysis.budgets import as_curves
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import read
from filterbench.documents.columns import net_columns
from filterbench.documents.measurements import LatencyDocument, Memory, Timings
from filterbench.documents.types import BudgetUse, PruneDocument, ResultDocument, TrainedDocument
from filterbench.jobs.job import Job
from filterbench.plotting.comparison import draw_latency, measurement_title, study_title
from filterbench.plotting.saving import save_kinds
from filterbench.results.tables import asked_columns, check_feasible, without_empty_targets
from filterbench.results.titles import labels, shown
from filterbench.storage.tables import write_table

BATCHES: tuple[Literal["single", "batch"], ...] = ("single", "batch")


def compare_latency(job: Job) -> None:
    """Write the table, one row per cell, and accuracy against latency.

    Raises:
        InputError: no cell is feasible.
    """
    table = without_empty_targets(pd.DataFrame([_row(Path(path)) for path in job.params["cells"]]))
    check_feasible(table, job.outputs["table"].parent)
    measured = _measured(table)
    for name in measured:
        relative = table[f"latency_{name}_compact"] / table[f"latency_{name}_original"]
        table[f"relative_{name}_compact"] = relative
    curves = with_fronts(with_statistics(as_curves(table)), [f"relative_{name}" for name in measured])
    write_table(job.outputs["table"], table.join(curves.drop(columns=table.columns)))
    about = f"{study_title(table, *labels(job.params))}\n{measurement_title(table)}"
    runtimes = list(dict.fromkeys(name.rpartition("_")[0] for name in measured))
    save_kinds(draw_latency(curves, runtimes, shown(about, job.params)), job.outputs)


def _row(cell: Path) -> dict[str, Any]:
    """What a cell's documents say; an infeasible cell has a reason and no numbers."""
    latency = read(cell / "latency.json", LatencyDocument)
    if "infeasible" in latency:
        return {**asked_columns(latency["cell"]), "infeasible": latency["infeasible"]}
    performance = read(cell / "result.json", ResultDocument)["performance"]
    return {
        **asked_columns(latency["cell"]),
        "infeasible": None,
        "performance_original": performance["original"],
        "performance_finetuned": performance["finetuned"],
        "test_images": read(cell / "finetune.json", TrainedDocument)["images"]["test"],
        **{
            column: value
            for runtime, timings in latency["runtimes"].items()
            for name in BATCHES
            for column, value in _columns(f"{runtime}_{name}", timings[name]).items()
        },
        **_memory(latency["memory"]),
        **_estimate(read(cell / "prune.json", PruneDocument).get("budget")),
        **{name: value for name, value in latency["settings"].items() if name != "runtimes"},
        "machine": latency["machine"].get("gpu", latency["machine"]["cpu"]),
    }


def _measured(table: pd.DataFrame) -> list[str]:
    """What was timed, as `{runtime}_{single or batch}`, in the order of the columns."""
    ends = "latency_", "_original"
    names = (name for name in map(str, table) if name.startswith(ends[0]) and name.endswith(ends[1]))
    return [name.removeprefix(ends[0]).removesuffix(ends[1]) for name in names if "estimate" not in name]


def _memory(memory: Memory) -> dict[str, object]:
    """Bytes of both nets."""
    by_kind = {
        **{f"activations_{name}": pair for name, pair in memory["activations"].items()},
        **{f"process_{name}": pair for name, pair in memory.get("process", {}).items()},
        **({"onnx_bytes": memory["onnx_bytes"]} if "onnx_bytes" in memory else {}),
    }
    return {
        column: number for kind, pair in by_kind.items() for column, number in net_columns(kind, pair).items()
    }


def _columns(name: str, timings: Timings) -> dict[str, float]:
    """Both nets' latencies of one image or a batch, in one runtime."""
    timed = net_columns(f"latency_{name}", timings)
    return {column: timing["median"] for column, timing in timed.items()} | {
        f"{column}_interquartile_range": timing["interquartile_range"] for column, timing in timed.items()
    }


def _estimate(budget: BudgetUse | None) -> dict[str, float]:
    """What the latency table says of the nets of a cell with a budget of latency, for a batch."""
    if budget is None or budget["kind"] != "latency":
        return {}
    return {
        "latency_estimate_original": budget["original"],
        "latency_estimate_compact": budget["pruned"],
    }
