"""Rule `compare`: all cells of a model in one collection and one table."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.documents import read, write
from filterbench.files import atomic_write
from filterbench.jobs import Job


def compare(job: Job) -> None:
    """Write the published collection format (means over seeds) and the table with one row a cell."""
    table = pd.DataFrame([_row(Path(path)) for path in job.params["cells"]])
    write(job.outputs["collection"], _collection(table))
    with atomic_write(job.outputs["table"]) as file:
        table.to_csv(file, index=False, lineterminator="\n")


def _row(cell: Path) -> dict[str, Any]:
    """All that a cell's documents say, as one row."""
    result, prune, count = (read(cell / f"{kind}.json") for kind in ("result", "prune", "count"))
    finetune = read(cell / "finetune.json")
    return {
        **prune["cell"],
        "sparsity_reached": prune["sparsity"]["reached"],
        **{f"performance_{key}": value for key, value in result["performance"].items()},
        **{f"params_{key}": value for key, value in result["params"].items()},
        **{f"flops_{key}": value for key, value in result["flops"].items()},
        **{
            f"conv_linear_macs_{key}": value
            for key, value in count["second_counter"]["conv_linear_macs"].items()
        },
        "best_epoch": finetune["training"]["best_epoch"],
        "epochs": len(finetune["training"]["epochs"]),
        "test_images": finetune["images"]["test"],
        "device": finetune["provenance"]["device"],
    }


def _collection(table: pd.DataFrame) -> dict[str, list[dict[Hashable, float]]]:
    columns = {"params_speedup": "params", "flops_speedup": "flops", "performance_finetuned": "performance"}
    return {
        str(pruner): cells.groupby("sparsity")[list(columns)]
        .mean()
        .rename(columns=columns)
        .reset_index()
        .to_dict("records")
        for pruner, cells in table.groupby("pruner", sort=False)
    }
