"""Rule `compare`: all cells of a model in one collection and one table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves, sparsity_cells
from filterbench.documents import kind_of, parse, write
from filterbench.jobs.job import Job
from filterbench.results.tables import cells_table, check_feasible
from filterbench.storage.files import file_digest
from filterbench.storage.tables import write_table
from filterbench.study.paths import baseline_folder, sparse_folder, trajectory_document

# Documents that are made after the tables, or rebuilt without them.
ON_REQUEST = ("latency", "int8", "export", "sensitivity")


def compare(job: Job) -> None:
    """Write the published collection format (means over seeds) and the table with one row per cell.

    Raises:
        InputError: no cell is feasible.
    """
    cells = [Path(path) for path in job.params["cells"]]
    table = cells_table(cells, job.params["again"], job.params["unpruned"])
    check_feasible(table, job.outputs["table"].parent)
    write(job.outputs["collection"], collection(table))
    write(job.outputs["digests"], {"documents": _digests(cells)})
    write_table(job.outputs["table"], table)


def _digests(cells: Sequence[Path]) -> dict[str, str]:
    """Digest of every document of a model's cells and of what they share, by path in the model's folder.

    With them, a change of a number that only one document holds is found.
    """
    folders = dict.fromkeys(
        place
        for cell in cells
        for place in (cell, baseline_folder(cell), *_sparse(cell), trajectory_document(cell).parent)
    )
    model = cells[0].parents[2]
    return {
        path.relative_to(model).as_posix(): file_digest(path)
        for folder in folders
        for path in sorted(folder.glob("*.json"))
        if kind_of(path) not in ON_REQUEST
    }


def _sparse(cell: Path) -> list[Path]:
    """The folder of the sparse training that a cell began with; empty where it had none."""
    sparse = parse(cell / "prune.json")["cell"].get("sparse_training")
    return [sparse_folder(cell, sparse)] if sparse else []


def collection(table: pd.DataFrame) -> dict[str, list[dict[Hashable, float]]]:
    """A table of cells in the published collection format: means over seeds, infeasible cells left out.

    A pruner's cells under a kind of budget are an entry of their own, with `budget` for `sparsity`.
    """
    columns = {"params_compact": "params", "flops_compact": "flops", "performance_finetuned": "performance"}
    curves = as_curves(table[table["infeasible"].isna()])
    asked = set(sparsity_cells(table)["pruner"])
    return {
        str(pruner): cells.groupby("sparsity")[list(columns)]
        .mean()
        .rename(columns=columns)
        .reset_index()
        .rename(columns={} if pruner in asked else {"sparsity": "budget"})
        .to_dict("records")
        for pruner, cells in curves.groupby("pruner", sort=False)
    }
