"""Where the workflow keeps what it makes, relative to the working directory.

Braces stand for Snakemake's wildcards. The last part of a cell's folder is its target: a sparsity, or a
budget such as `flops-0.5`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from filterbench.domain.targets import BUDGETS, SPARSITY, TRAJECTORY_NAME, parse_target
from filterbench.study.cells import Cell

MODEL_FOLDER = "results/{study}/{model}"
SEED_FOLDER = f"{MODEL_FOLDER}/seed-{{seed}}"
BASELINE = f"{SEED_FOLDER}/baseline"
PRUNER_FOLDER = f"{SEED_FOLDER}/{{pruner}}"
TRAJECTORY = f"{PRUNER_FOLDER}/{{kind}}/{TRAJECTORY_NAME}"
CELL = f"{PRUNER_FOLDER}/{{target}}"
LATENCY_TABLE = f"{MODEL_FOLDER}/latency_table.json"
# Of a study's files, beside them; the second has the same digests for `sha256sum --check`.
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
VERDICT = "validation.json"


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A path with a group for each wildcard, wherever the results lie."""
    forms = {"seed": r"\d+", "kind": any_of((SPARSITY, *BUDGETS)), "place": ".+"}
    groups = re.sub(r"\{(\w+)\}", lambda name: f"(?P<{name[1]}>{forms.get(name[1], '[^/]+')})", template)
    return re.compile(f"(?:.*/)?{groups}")


def cell_folder(study: str, cell: Cell) -> str:
    """The folder of a cell, as a study or its twin has it."""
    return CELL.format(study=study, model=cell.model, seed=cell.seed, pruner=cell.pruner, target=cell.target)


def cell_at(folder: str | Path) -> tuple[str, Cell]:
    """The study and the cell whose folder this is.

    Raises:
        ValueError: it is no cell's folder.
    """
    found = _pattern(CELL).fullmatch(Path(folder).as_posix())
    if found is None:
        raise ValueError(f"{folder}: not the folder of a cell")
    return found["study"], Cell(found["model"], found["pruner"], found["target"], int(found["seed"]))


def wildcards_at(folder: Path) -> dict[str, str]:
    """The wildcards of a folder of baselines, search paths, cells or models, by name; none of any other."""
    for template in (BASELINE, str(Path(TRAJECTORY).parent), CELL, MODEL_FOLDER):
        if found := _pattern(template).fullmatch(folder.as_posix()):
            return found.groupdict()
    return {}


def in_seed(path: str) -> str:
    """What of a path template lies below the folder of its seed."""
    return path.removeprefix(f"{SEED_FOLDER}/")


def place_in_seed(path: Path) -> tuple[str, str]:
    """The model of a file in the folder of a seed, and where it lies there; both empty of any other file."""
    found = _pattern(f"{SEED_FOLDER}/{{place}}").fullmatch(path.as_posix())
    return (found["model"], found["place"]) if found else ("", "")


def baseline_folder(cell: Path) -> Path:
    """The folder of a cell's baseline."""
    return cell.parents[1] / "baseline"


def trajectory_document(cell: Path) -> Path:
    """Where the search path of a cell has its document, if it has one."""
    return cell.parent / parse_target(cell.name).kind / f"{TRAJECTORY_NAME}.json"


def any_of(names: Iterable[Any]) -> str:
    """A wildcard constraint that allows just these names."""
    return "|".join(re.escape(str(name)) for name in names)
