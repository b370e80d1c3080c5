"""Cells that several machines made: which machine made each, and a table with the machine as a factor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from filterbench.documents import read
from filterbench.documents.parts import Machine, Provenance
from filterbench.documents.types import CellDocument
from filterbench.results.tables import cells_table
from filterbench.storage.errors import InputError
from filterbench.study.cells import Cell, Config
from filterbench.study.paths import baseline_folder, cell_at
from filterbench.study.submitted import Submission

NOT_RECORDED = "machine not recorded in {source}"
MAX_NAMED = 5


@dataclass(frozen=True)
class MadeCell:
    """A cell as a machine made it.

    Attributes:
        path: the cell's folder.
        source: the folder that the user named.
        cell: which one.
        machine: models of GPU and CPU and number of cores; of several machines, those of the baseline, the
            pruning and the fine-tuning.
        versions: of FilterBench and torch, in the same way.
    """

    path: Path
    source: str
    cell: Cell
    machine: str
    versions: str


def made_cells(submission: Submission) -> list[MadeCell]:
    """The finished cells of a submission, in the order of their paths.

    Left out are those of models and pruners that its study does not name: `validate` skips their settings.
    """
    results = sorted(submission.results.glob("*/seed-*/*/*/result.json"))
    named = [path.parent for path in results if _is_named(cell_at(path.parent)[1], submission.config)]
    return [_made(path, str(submission.folder)) for path in named]


def refuse_duplicates(made: Iterable[MadeCell]) -> None:
    """Refuse cells that one kind of machine made twice: the second repeats the first and tells nothing more.

    Raises:
        InputError: there are such cells; the message names the first ones, their folders and the machine.
    """
    first: dict[tuple[Cell, str], MadeCell] = {}
    twice = []
    for each in made:
        other = first.setdefault((each.cell, each.machine), each)
        if other is not each:
            twice.append(f"{other.path} and {each.path} ({each.machine})")
    if twice:
        more = f" and {len(twice) - MAX_NAMED} more" if len(twice) > MAX_NAMED else ""
        raise InputError(
            f"{len(twice)} cells are there twice from one machine: {'; '.join(twice[:MAX_NAMED])}{more}; "
            "leave out one of the folders"
        )


def table_by_machine(made: Sequence[MadeCell]) -> pd.DataFrame:
    """One row per cell and machine, with the columns of `comparison.csv`, `machine`, `versions` and `folder`.

    Statistics over seeds and Pareto fronts are those of one machine's cells of a model.
    """
    tables = []
    groups = dict.fromkeys((each.cell.model, each.machine) for each in made)
    for model, machine in sorted(groups):
        own = [each for each in made if (each.cell.model, each.machine) == (model, machine)]
        table = cells_table([each.path for each in own], again={}, unpruned=False)
        table["target"] = [str(each.cell.target) for each in own]
        named = {
            "machine": machine,
            "versions": [each.versions for each in own],
            "folder": [each.source for each in own],
        }
        tables.append(pd.DataFrame(named, index=table.index).join(table))
    return pd.concat(tables, ignore_index=True)


def described(machine: Machine | None, source: str) -> str:
    """A machine in words, such as `NVIDIA H200, AMD EPYC 9654, 96 cores`.

    One that is not recorded is called by `source`, its folder: nobody knows that it is that of another one.
    """
    if machine is None:
        return NOT_RECORDED.format(source=source)
    cores = "1 core" if machine["cores"] == 1 else f"{machine['cores']} cores"
    return ", ".join(filter(None, (machine.get("gpu"), machine["cpu"], cores)))


def _is_named(cell: Cell, study: Config) -> bool:
    return cell.model in study["models"] and cell.pruner in study["pruners"]


def _made(path: Path, source: str) -> MadeCell:
    documents = (baseline_folder(path) / "baseline.json", path / "prune.json", path / "finetune.json")
    origins = [read(each, CellDocument)["provenance"] for each in documents]
    machines = dict.fromkeys(described(origin.get("machine"), source) for origin in origins)
    versions = dict.fromkeys(map(_versions, origins))
    return MadeCell(path, source, cell_at(path)[1], " + ".join(machines), " + ".join(versions))


def _versions(origin: Provenance) -> str:
    own = origin["code"]["version"] if "code" in origin else "not recorded"
    return f"FilterBench {own}, torch {origin['versions'].get('torch', 'not recorded')}"
