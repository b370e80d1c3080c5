"""Rule `compare`: all cells of a model in one collection and one table."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.analysis.budgets import as_curves, sparsity_cells
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import kind_of, read, write
from filterbench.documents.parts import Cell
from filterbench.documents.spending import images_trained
from filterbench.documents.targets import BUDGETS, target_of
from filterbench.documents.types import CountDocument, PruneDocument, ResultDocument, TrainedDocument
from filterbench.running.job import Job
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest
from filterbench.storage.stopwatch import benchmark_file
from filterbench.storage.tables import write_table
from filterbench.study.paths import baseline_folder, trajectory_document

# Documents that are made after the tables, or anew with them untouched.
ON_REQUEST = ("latency", "export")
BUDGET_COLUMNS = ["target", "budget_reached", "latency_estimate_original", "latency_estimate_speedup"]


def compare(job: Job) -> None:
    """Write the published collection format (means over seeds) and the table with one row per cell.

    Raises:
        InputError: no cell is feasible.
    """
    rows = [_row(Path(path), job.params["again"], job.params["unpruned"]) for path in job.params["cells"]]
    table = without_empty_targets(pd.DataFrame(rows))
    if table["infeasible"].notna().all():
        raise InputError(f"{job.outputs['table'].parent}: every cell of this model is infeasible")
    write(job.outputs["collection"], collection(table))
    write(job.outputs["digests"], {"documents": _digests([Path(path) for path in job.params["cells"]])})
    described = with_fronts(with_statistics(as_curves(table)))
    write_table(job.outputs["table"], table.join(described.drop(columns=table.columns)))


def _digests(cells: Sequence[Path]) -> dict[str, str]:
    """Digest of every document of a model's cells, baselines and search paths, from the model's folder on.

    So a number that stands nowhere else is not changed unseen.
    """
    folders = dict.fromkeys(
        place for cell in cells for place in (cell, baseline_folder(cell), trajectory_document(cell).parent)
    )
    model = cells[0].parents[2]
    return {
        path.relative_to(model).as_posix(): file_digest(path)
        for folder in folders
        for path in sorted(folder.glob("*.json"))
        if kind_of(path) not in ON_REQUEST
    }


def asked_columns(cell: Cell) -> dict[str, Any]:
    """A cell as documents record it, as columns of a table (see `filterbench.analysis.budgets`)."""
    same = {name: value for name, value in cell.items() if name not in BUDGETS}
    return {**same, "sparsity": cell.get("sparsity"), "target": str(target_of(cell))}


def without_empty_targets(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the columns of budgets where all cells have sparsities."""
    if len(sparsity_cells(table)) < len(table):
        return table
    return table.drop(columns=BUDGET_COLUMNS, errors="ignore")


def _row(cell: Path, again: Sequence[str], unpruned: bool) -> dict[str, Any]:
    """All that a cell's documents say, as one row; an infeasible cell has a reason and no numbers.

    Args:
        cell: the cell's folder.
        again: the cell's trainings beyond its fine-tuning, by name of their documents.
        unpruned: whether the unpruned net was fine-tuned, too.
    """
    prune = read(cell / "prune.json", PruneDocument)
    spent = {
        **prune["cost"],
        **{f"seconds_{stage}": _seconds(cell, stage) for stage in ("prune", "finetune")},
    }
    asked = asked_columns(prune["cell"])
    if "infeasible" in prune:
        return {**asked, "infeasible": prune["infeasible"], **spent}
    result = read(cell / "result.json", ResultDocument)
    count = read(cell / "count.json", CountDocument)
    finetune = read(cell / "finetune.json", TrainedDocument)
    macs, images = count["conv_linear_macs"], finetune["images"]
    return {
        **asked,
        "infeasible": None,
        "sparsity_reached": prune["sparsity"]["reached"],
        "budget_reached": prune["budget"]["reached"] if "budget" in prune else None,
        **{f"performance_{key}": value for key, value in result["performance"].items()},
        **{column: value for name in again for column, value in _trained_again(cell / f"{name}.json")},
        **({"performance_original_finetuned": _unpruned_finetuned(cell)} if unpruned else {}),
        **{f"params_{key}": value for key, value in result["params"].items()},
        **{f"flops_{key}": value for key, value in result["flops"].items()},
        **{f"conv_linear_macs_{key}": value for key, value in macs.items()},
        "best_epoch": finetune["training"]["best_epoch"],
        "epochs": len(finetune["training"]["epochs"]),
        "test_images": images["test"],
        "chance": images["chance"],
        "device": finetune["provenance"]["device"],
        **spent,
        "images_trained_after": prune["cost"]["images_trained"]
        + images_trained(finetune["training"]["settings"], images["train"]),
        **_searched(prune),
    }


def _trained_again(path: Path) -> Iterator[tuple[str, float | None]]:
    """The columns of another training of a cell; None where it is infeasible."""
    document = read(path, TrainedDocument)
    feasible = "infeasible" not in document
    accuracy = next(iter(document["performance"].values())) if feasible else None
    yield f"performance_{path.stem.replace('-', '_')}", accuracy
    if path.stem == "equal":
        yield "images_trained_equal", document["equal_training"]["spent"] if feasible else None


def _unpruned_finetuned(cell: Path) -> float:
    """Accuracy of the cell's unpruned net after as much fine-tuning as its compact net had."""
    document = read(baseline_folder(cell) / "baseline-finetune.json", TrainedDocument)
    return document["performance"]["finetuned"]


def _searched(prune: PruneDocument) -> dict[str, Any]:
    """What a search chose by; nothing where the pruner does not search."""
    if "scores" not in prune:
        return {}
    scores = prune["scores"]
    return {
        "search_best": scores["best"],
        "search_lowest": scores["lowest"],
        "search_chance": scores["chance"],
        "search_blind": scores["blind_choices"] > 0,
    }


def _seconds(cell: Path, stage: str) -> float | None:
    """Wall-clock time of a stage, before interruptions too; a snapshot's includes its whole trajectory."""
    documents = [cell / f"{stage}.json"]
    if stage == "prune":
        documents.append(trajectory_document(cell))
    files = map(benchmark_file, documents)
    found = [pd.read_csv(path, sep="\t")["s"].sum() for path in files if path.exists()]
    return round(float(sum(found)), 2) if found else None


def collection(table: pd.DataFrame) -> dict[str, list[dict[Hashable, float]]]:
    """A table of cells in the published collection format: means over seeds, infeasible cells left out.

    A pruner's cells under a kind of budget are an entry of their own, with `budget` for `sparsity`.
    """
    columns = {"params_speedup": "params", "flops_speedup": "flops", "performance_finetuned": "performance"}
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
