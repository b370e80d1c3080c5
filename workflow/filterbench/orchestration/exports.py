"""The cells that the target `exports` exports."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from filterbench.domain.targets import parse_target
from filterbench.orchestration.plan import Plan
from filterbench.study.cells import Cell
from filterbench.study.paths import MODEL_FOLDER, cell_folder

# Columns of a table that say whether a cell is on a front.
FRONTS = ("pareto_params", "pareto_flops")


def exported_or_exit(plan: Plan) -> list[str]:
    """The folders of all cells or, where the study says `exports: front`, of those on a front.

    Without the tables that name the cells on fronts, the process ends with one line.
    """
    if plan.config.get("exports", "all") == "all":
        return plan.cells
    front = {folder for model in plan.config["models"] for folder in _on_a_front(plan.study, model)}
    return [folder for folder in plan.cells if folder in front]


def _on_a_front(study: str, model: str) -> Iterator[str]:
    path = Path(MODEL_FOLDER.format(study=study, model=model)) / "comparison.csv"
    if not path.is_file():
        sys.exit(
            f"error: exports: front: there is no {path}; make it with the target `comparisons`, then repeat"
        )
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if "True" in (row[name] for name in FRONTS):
                target = parse_target(row.get("target") or row["sparsity"])
                yield cell_folder(study, Cell(model, row["pruner"], target, int(row["seed"])))
