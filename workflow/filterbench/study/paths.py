"""Where the workflow keeps what it makes, relative to the working directory.

Braces stand for Snakemake's wildcards. The last part of a cell's folder is its target: a sparsity, or a
budget such as `flops-0.5`.
"""

from __future__ import annotations

from filterbench.documents.targets import TRAJECTORY_NAME
from filterbench.study.config import Cell

MODEL_FOLDER = "results/{study}/{model}"
BASELINE = f"{MODEL_FOLDER}/seed-{{seed}}/baseline"
PRUNER_FOLDER = f"{MODEL_FOLDER}/seed-{{seed}}/{{pruner}}"
TRAJECTORY = f"{PRUNER_FOLDER}/{{kind}}/{TRAJECTORY_NAME}"
CELL = f"{PRUNER_FOLDER}/{{target}}"
LATENCY_TABLE = f"{MODEL_FOLDER}/latency_table.json"


def cell_folder(study: str, cell: Cell) -> str:
    """The folder of a cell, as a study or its twin has it."""
    return CELL.format(study=study, model=cell.model, seed=cell.seed, pruner=cell.pruner, target=cell.target)
