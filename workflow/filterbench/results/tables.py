"""Tables with one row per cell, from the cell's documents."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from filterbench.analysis.budgets import as_curves, sparsity_cells
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.recommending import MEASURED, MEMORY
from filterbench.analysis.seeds import with_statistics
from filterbench.documents import read
from filterbench.documents.columns import net_columns
from filterbench.documents.parts import CellRecord
from filterbench.documents.types import CountDocument, PruneDocument, ResultDocument, TrainedDocument
from filterbench.domain.spending import images_trained, images_trained_sparse
from filterbench.domain.targets import BUDGETS, target_of
from filterbench.orchestration.plan import Plan
from filterbench.pruners.registry import PRUNERS
from filterbench.results.bills import at_training_budgets, bills
from filterbench.storage.errors import InputError
from filterbench.storage.stopwatch import read_benchmark
from filterbench.storage.tables import read_table
from filterbench.study.cells import sparse_name
from filterbench.study.paths import baseline_folder, trajectory_document

logger = logging.getLogger(__name__)

BUDGET_COLUMNS = ["target", "budget_reached", "latency_estimate_original", "latency_estimate_compact"]


def with_latencies(plan: Plan, model: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table of a model's cells, with their latencies and memory if all of them were measured."""
    path = plan.latency_csv(model)
    keys = ["pruner", "seed", "target" if "target" in table else "sparsity"]
    measured = read_table(path) if path.exists() else pd.DataFrame()
    for name in MEMORY:
        if f"{name}_original" in measured:
            measured[f"relative_{name}_compact"] = measured[f"{name}_compact"] / measured[f"{name}_original"]
    costs = [cost for cost in MEASURED if {*keys, f"{cost}_compact"} <= set(measured)]
    if not costs:
        return table
    columns = [f"{cost}_compact" for cost in costs]
    found = table.merge(measured[[*keys, *columns]], on=keys, how="left")
    if found.loc[found["infeasible"].isna(), columns].isna().any(axis=None):
        logger.info("%s: does not cover all finished cells; not used", path)
        return table
    return found.assign(**{f"{cost}_original": 1.0 for cost in costs})


def cells_table(cells: Sequence[Path], again: Mapping[str, Sequence[str]], unpruned: bool) -> pd.DataFrame:
    """The cells of a model, with statistics over seeds and membership in Pareto fronts.

    Args:
        cells: their folders, each with all documents of its stages.
        again: by pruner, the further trainings of its cells, as names of their documents.
        unpruned: whether the unpruned nets were fine-tuned, too.
    """
    table = without_empty_targets(pd.DataFrame([_row(cell, again, unpruned) for cell in cells]))
    if table["infeasible"].notna().all():
        return table
    described = with_fronts(with_statistics(as_curves(table)))
    return table.join(described.drop(columns=table.columns))


def asked_columns(cell: CellRecord) -> dict[str, object]:
    """The cell of a document, as columns of a table (see `filterbench.analysis.budgets`)."""
    left_out = (*BUDGETS, "normalisation", "sparse_training")
    same = {name: value for name, value in cell.items() if name not in left_out}
    sparse = {"sparse_training": sparse_name(cell["sparse_training"])} if "sparse_training" in cell else {}
    return {**same, **sparse, "sparsity": cell.get("sparsity"), "target": str(target_of(cell))}


def without_empty_targets(table: pd.DataFrame) -> pd.DataFrame:
    """The table, without the columns of budgets if all cells have sparsities."""
    if len(sparsity_cells(table)) < len(table):
        return table
    return table.drop(columns=BUDGET_COLUMNS, errors="ignore")


def check_feasible(table: pd.DataFrame, folder: Path) -> None:
    """Refuse the table of a model without feasible cells.

    Raises:
        InputError: every cell is infeasible; it names the model's folder.
    """
    if table["infeasible"].notna().all():
        raise InputError(f"{folder}: every cell of this model is infeasible")


def _row(cell: Path, again: Mapping[str, Sequence[str]], unpruned: bool) -> dict[str, object]:
    """The documents of a cell as one row; an infeasible cell has a reason and no numbers."""
    prune = read(cell / "prune.json", PruneDocument)
    seconds = {f"seconds_{stage}": _seconds(cell, stage) for stage in ("prune", "finetune")}
    spent = {**prune["cost"], **seconds}
    asked = asked_columns(prune["cell"])
    if "infeasible" in prune:
        return {**asked, "infeasible": prune["infeasible"], **spent}
    result = read(cell / "result.json", ResultDocument)
    count = read(cell / "count.json", CountDocument)
    finetune = read(cell / "finetune.json", TrainedDocument)
    images = finetune["images"]
    before = images_trained_sparse(prune["cell"], images["train"]) + prune["cost"]["images_trained"]
    beyond = again.get(prune["cell"]["pruner"], ())
    return {
        **asked,
        "infeasible": None,
        "sparsity_reached": prune["sparsity"]["reached"],
        "budget_reached": prune["budget"]["reached"] if "budget" in prune else None,
        **net_columns("performance", result["performance"]),
        **at_training_budgets(cell, prune, finetune, beyond),
        **_trained_again(cell, beyond, unpruned),
        **net_columns("params", result["params"]),
        **net_columns("flops", result["flops"]),
        **net_columns("conv_linear_macs", count["conv_linear_macs"]),
        "best_epoch": finetune["training"]["best_epoch"],
        "epochs": len(finetune["training"]["epochs"]),
        **({"top5_finetuned": finetune["top5"]} if "top5" in finetune else {}),
        "test_images": images["test"],
        "chance": images["chance"],
        "device": finetune["provenance"]["device"],
        **spent,
        "images_trained": before,
        "images_trained_after": before + images_trained(finetune["training"]["settings"], images["train"]),
        **bills(prune, finetune),
        **_searched(prune),
        **_arguments_changed(prune),
    }


def _trained_again(cell: Path, names: Iterable[str], unpruned: bool) -> dict[str, float | None]:
    """Columns of a cell's trainings from scratch or at equal training, and of its fine-tuned unpruned net."""
    columns: dict[str, float | None] = {}
    for name in names:
        if not name.startswith("finetune-"):
            document = read(cell / f"{name}.json", TrainedDocument)
            feasible = "infeasible" not in document
            accuracy = next(iter(document["performance"].values())) if feasible else None
            columns[f"performance_{name.replace('-', '_')}"] = accuracy
            if name == "equal":
                columns["images_trained_equal"] = document["equal_training"]["spent"] if feasible else None
    if unpruned:
        document = read(baseline_folder(cell) / "baseline-finetune.json", TrainedDocument)
        columns["performance_original_finetuned"] = document["performance"]["finetuned"]
    return columns


def _searched(prune: PruneDocument) -> dict[str, object]:
    """The scores that a search chose by; empty for a pruner without a search."""
    if "scores" not in prune:
        return {}
    scores = prune["scores"]
    columns: dict[str, object] = {f"search_{name}": value for name, value in scores.items()}
    return columns | {"search_blind": scores["blind_choices"] == scores["choices"]}


def _arguments_changed(prune: PruneDocument) -> dict[str, str | None]:
    """The arguments that differ from the pruner's defaults, such as `halve_step=True`; None if none does.

    Arguments that a matched control takes from another cell are not listed.
    """
    defaults = PRUNERS[prune["cell"]["pruner"]].arguments if prune["cell"]["pruner"] in PRUNERS else {}
    changed = [
        f"{name}={value}"
        for name, value in prune["arguments"].items()
        if name in defaults and value != defaults[name]["default"]
    ]
    return {"arguments_changed": " ".join(changed) or None}


def _seconds(cell: Path, stage: str) -> float | None:
    """Seconds of a stage, over interruptions; those of a snapshot include its whole search path."""
    documents = [cell / f"{stage}.json"]
    if stage == "prune":
        documents.append(trajectory_document(cell))
    found = [spent["s"] for spent in map(read_benchmark, documents) if spent]
    return round(sum(found), 2) if found else None
