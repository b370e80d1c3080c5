"""Rule `validate`: whether a study is whole and holds together."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.documents import schema_path, write
from filterbench.integrity.findings import Finding, Report
from filterbench.integrity.study import VERDICT, findings
from filterbench.running.job import Job
from filterbench.stages.compare import compare
from filterbench.stages.differences import differences
from filterbench.stages.verdicts import verdicts
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest
from filterbench.study.plan import Plan

logger = logging.getLogger(__name__)

MOST_LINES = 100
# Columns of wall-clock times, which come from files that are no documents.
TIMES = "seconds_"


def validate(job: Job) -> None:
    """Check the study, name each fault, and write the verdict only if there is none.

    Raises:
        InputError: a document is faulty, cells are missing, or there are no documents yet.
    """
    plan, partial = Plan(job.params["config"]), job.params["partial"]
    verdict = Path("results") / plan.study / VERDICT
    verdict.unlink(missing_ok=True)
    report = Report()
    found = list(islice(study_findings(plan, Path(), report), MOST_LINES + 1))
    for finding in found[:MOST_LINES]:
        logger.error("%s", finding)
    if not report.checked and not found:
        folder = verdict.parent
        raise InputError(f"{folder}: no documents to check yet; run the study first: snakemake --cores all")
    if found:
        faults = f"more than {MOST_LINES}" if len(found) > MOST_LINES else len(found)
        files = len({finding.file for finding in found})
        raise InputError(f"study {plan.study}: {faults} faults in {files} files")
    if report.missing and not partial:
        raise InputError(
            f"{len(report.missing)} of {len(plan.cells)} cells are missing ({report.missing[0]}, ...); run "
            "the study to its end, or ask for a verdict on what is there: --config partial=true"
        )
    for reason, number in report.unchecked.items():
        logger.info("not checked: %d %s", number, reason)
    kinds = dict(sorted(report.checked.items()))
    write(verdict, _document(plan, report, kinds))
    listed = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    logger.info("%d documents are sound: %s", sum(kinds.values()), listed)


def study_findings(plan: Plan, root: Path, report: Report) -> Iterator[Finding]:
    """Everything that is wrong with a study and, where it has one, with its twin; cheap checks first.

    Args:
        plan: of the study.
        root: the folder that holds `results/`.
        report: is told what was checked and what could not be.
    """
    sound = True
    for study in plan.protocols:
        if study == plan.study or (root / "results" / study).exists():
            own = report if study == plan.study else Report(report.checked, report.unchecked)
            for finding in findings(plan, study, root, own):
                sound = False
                yield finding
            if sound and not own.missing:
                yield from _other_tables(plan, study, root)


def _document(plan: Plan, report: Report, kinds: dict[str, int]) -> dict[str, Any]:
    return {
        "study": plan.study,
        "cells": {"asked": len(plan.cells), "missing": len(report.missing)},
        "documents": {
            kind: {
                "checked": number,
                "schema": schema_path(kind).name,
                "schema_digest": file_digest(schema_path(kind)),
            }
            for kind, number in kinds.items()
        },
        "unchecked": dict(sorted(report.unchecked.items())),
    }


def _other_tables(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    """Collections, tables and verdicts that are not those which the documents give."""
    folder = root / "results" / study
    config = plan.config
    params = {"scratch": config.get("scratch", []), "unpruned": config.get("finetune_unpruned", False)}
    tables = []
    for model in plan.config["models"]:
        cells = [str(root / cell) for cell in plan.cells_of(model, study)]
        names = {"collection": "comparison.json", "table": "comparison.csv", "digests": "digests.json"}
        yield from _remade(compare, folder / model, names, params | {"cells": cells})
        tables.append(str(folder / model / "comparison.csv"))
    if study != plan.study or not all(Path(table).exists() for table in tables):
        return
    cells = [str(root / cell) for cell in plan.folders(study)]
    names = {"table": "differences.csv", "images": "mcnemar.csv"}
    yield from _remade(differences, folder, names, {"tables": tables, "cells": cells})
    if (folder / "mcnemar.csv").exists():
        inputs = {"mcnemar": folder / "mcnemar.csv"}
        judged = {"tables": tables, "source": f"study {study}"}
        names = {"document": "verdicts.json", "page": "verdicts.md"}
        yield from _remade(verdicts, folder, names, judged, inputs)


def _remade(
    stage: Callable[[Job], None],
    folder: Path,
    names: dict[str, str],
    params: dict[str, Any],
    inputs: dict[str, Path] | None = None,
) -> Iterator[Finding]:
    """Outputs of a stage that differ from what it makes now; those that are not there are not asked for."""
    if not any((folder / name).exists() for name in names.values()):
        return
    with tempfile.TemporaryDirectory() as place:
        outputs = {key: Path(place) / name for key, name in names.items()}
        level = logger.parent.level if logger.parent else logging.INFO
        logging.getLogger("filterbench").setLevel(logging.WARNING)
        try:
            stage(Job(inputs or {}, outputs, params))
        except InputError as reason:
            yield Finding(folder, "", f"its tables cannot be made: {reason}")
            return
        finally:
            logging.getLogger("filterbench").setLevel(level)
        for key, made in outputs.items():
            kept = folder / names[key]
            if kept.exists() and _content(kept) != _content(made):
                yield Finding(kept, "", "not what its documents give: changed by hand, or not made anew")


def _content(path: Path) -> Any:
    """What of a file must be the same: all of it, of a table all but times."""
    if path.suffix != ".csv":
        return path.read_bytes()
    with suppress(ValueError):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        kept = [column for column in table.columns if not column.startswith(TIMES)]
        return kept, table[kept].to_numpy().tolist()
    return path.read_bytes()
