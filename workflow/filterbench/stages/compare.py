"""Rule `compare`: all cells of a model in one collection and one table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import read, write
from filterbench.errors import InputError
from filterbench.jobs import Job
from filterbench.tables import write_table


def compare(job: Job) -> None:
    """Write the published collection format (means over seeds) and the table with one row a cell.

    Raises:
        InputError: no cell is feasible.
    """
    table = pd.DataFrame([_row(Path(path), job.params["scratch"]) for path in job.params["cells"]])
    if table["infeasible"].notna().all():
        raise InputError(f"{job.outputs['table'].parent}: every cell of this model is infeasible")
    write(job.outputs["collection"], collection(table))
    write_table(job.outputs["table"], with_fronts(with_statistics(table)))


def _row(cell: Path, scratch: Sequence[str]) -> dict[str, Any]:
    """All that a cell's documents say, as one row; an infeasible cell has a reason and no numbers.

    Args:
        cell: the cell's folder.
        scratch: budgets at which its shape was trained from scratch, too.
    """
    prune = read(cell / "prune.json")
    spent = {
        **prune["cost"],
        **{f"seconds_{stage}": _seconds(cell, stage) for stage in ("prune", "finetune")},
    }
    if "infeasible" in prune:
        return {**prune["cell"], "infeasible": prune["infeasible"], **spent}
    result, count, finetune = (read(cell / f"{kind}.json") for kind in ("result", "count", "finetune"))
    macs = count["second_counter"]["conv_linear_macs"]
    return {
        **prune["cell"],
        "infeasible": None,
        "sparsity_reached": prune["sparsity"]["reached"],
        **{f"performance_{key}": value for key, value in result["performance"].items()},
        **{
            f"performance_scratch_{budget}": read(cell / f"scratch-{budget}.json")["performance"]["scratch"]
            for budget in scratch
        },
        **{f"params_{key}": value for key, value in result["params"].items()},
        **{f"flops_{key}": value for key, value in result["flops"].items()},
        **{f"conv_linear_macs_{key}": value for key, value in macs.items()},
        "best_epoch": finetune["training"]["best_epoch"],
        "epochs": len(finetune["training"]["epochs"]),
        "test_images": finetune["images"]["test"],
        "device": finetune["provenance"]["device"],
        **spent,
    }


def _seconds(cell: Path, stage: str) -> float | None:
    """Wall-clock time of a stage; a snapshot's includes its whole trajectory."""
    files = [cell / f"{stage}.benchmark.tsv"]
    if stage == "prune":
        files.append(cell.parent / "trajectory.benchmark.tsv")
    found = [pd.read_csv(path, sep="\t")["s"].sum() for path in files if path.exists()]
    return round(float(sum(found)), 2) if found else None


def collection(table: pd.DataFrame) -> dict[str, list[dict[Hashable, float]]]:
    """A table of cells in the published collection format: means over seeds, infeasible cells left out."""
    columns = {"params_speedup": "params", "flops_speedup": "flops", "performance_finetuned": "performance"}
    return {
        str(pruner): cells.groupby("sparsity")[list(columns)]
        .mean()
        .rename(columns=columns)
        .reset_index()
        .to_dict("records")
        for pruner, cells in table[table["infeasible"].isna()].groupby("pruner", sort=False)
    }
