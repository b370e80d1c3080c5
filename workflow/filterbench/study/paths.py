"""The workflow's paths, relative to the working directory.

Braces are Snakemake's wildcards. The last part of a cell's folder is its target: a sparsity, or a budget such
as `flops-0.5`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from filterbench.domain.targets import BUDGETS, SPARSITY, TRAJECTORY_NAME, parse_target
from filterbench.study.cells import Cell, sparse_name

MODEL_FOLDER = "results/{study}/{model}"
SEED_FOLDER = f"{MODEL_FOLDER}/seed-{{seed}}"
BASELINE = f"{SEED_FOLDER}/baseline"
SPARSE = f"{SEED_FOLDER}/sparse/{{sparse}}"
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
    """A regular expression with a group for each wildcard; the path may have any parent folder."""
    number = r"\d+(\.\d+)?(e-\d+)?"
    forms = {
        "seed": r"\d+",
        "kind": any_of((SPARSITY, *BUDGETS)),
        "target": f"(({any_of(BUDGETS)})-)?{number}",
        # Unlike a target, in case that a pruner is called `sparse`.
        "sparse": "[^/]+_[^/]+",
    }
    groups = re.sub(r"\{(\w+)\}", lambda name: f"(?P<{name[1]}>{forms.get(name[1], '[^/]+')})", template)
    return re.compile(f"(?:.*/)?{groups}")


def cell_folder(study: str, cell: Cell) -> str:
    """The folder of a cell in a study or its twin."""
    return CELL.format(study=study, model=cell.model, seed=cell.seed, pruner=cell.pruner, target=cell.target)


def cell_at(folder: str | Path) -> tuple[str, Cell]:
    """The study and the cell whose folder this is.

    Raises:
        ValueError: it is not the folder of a cell.
    """
    found = _pattern(CELL).fullmatch(Path(folder).as_posix())
    if found is None:
        raise ValueError(f"{folder}: not the folder of a cell")
    target = parse_target(found["target"])
    return found["study"], Cell(found["model"], found["pruner"], target, int(found["seed"]))


def wildcards_at(folder: Path) -> dict[str, str]:
    """The wildcards of a folder of a baseline, sparse training, search path, cell or model; else empty."""
    for template in (BASELINE, SPARSE, str(Path(TRAJECTORY).parent), CELL, MODEL_FOLDER):
        if found := _pattern(template).fullmatch(folder.as_posix()):
            return found.groupdict()
    return {}


def in_seed(path: str) -> str:
    """A path template, relative to the folder of its seed."""
    return path.removeprefix(f"{SEED_FOLDER}/")


def baseline_folder(cell: Path) -> Path:
    """The folder of a cell's baseline."""
    return cell.parents[1] / "baseline"


def sparse_folder(cell: Path, sparse: Mapping[str, object]) -> Path:
    """The folder of the sparse training that a cell begins with (see `sparse_training`)."""
    return cell.parents[1] / "sparse" / sparse_name(sparse)


def trajectory_document(cell: Path) -> Path:
    """The path of the document of a cell's search path; it exists only for pruners with such a path."""
    return cell.parent / parse_target(cell.name).kind / f"{TRAJECTORY_NAME}.json"


def any_of(names: Iterable[object]) -> str:
    """A wildcard constraint that allows only these names."""
    return "|".join(re.escape(str(name)) for name in names)
