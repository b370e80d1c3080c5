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
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan
from filterbench.stages.compare import compare
from filterbench.stages.compare_int8 import compare_int8
from filterbench.stages.compare_latency import compare_latency
from filterbench.stages.differences import differences
from filterbench.stages.latency_verdicts import latency_verdicts
from filterbench.stages.leads import leads
from filterbench.stages.optimism import optimism
from filterbench.stages.verdicts import verdicts
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest

logger = logging.getLogger(__name__)

MAX_LINES = 100
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
    found = list(islice(study_findings(plan, Path(), report), MAX_LINES + 1))
    for finding in found[:MAX_LINES]:
        logger.error("%s", finding)
    if not report.checked and not found:
        folder = verdict.parent
        raise InputError(f"{folder}: no documents to check yet; run the study first: snakemake --cores all")
    if found:
        faults = f"more than {MAX_LINES}" if len(found) > MAX_LINES else len(found)
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
    """Collections, tables and verdicts that are not those which the documents give.

    What was made from a table that is wrong itself is not looked at.
    """
    for tables in REMADE if study == plan.study else (_collections, _measured):
        sound = True
        for finding in tables(plan, study, root):
            sound = False
            yield finding
        if not sound:
            return


def _collections(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    config = plan.config
    params = {"again": plan.again, "unpruned": config.get("finetune_unpruned", False)}
    names = {"collection": "comparison.json", "table": "comparison.csv", "digests": "digests.json"}
    for model in config["models"]:
        cells = [str(root / cell) for cell in plan.cells_of(model, study)]
        yield from _remade(compare, _folder(root, study, model), names, params | {"cells": cells})


def _measured(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    for model in plan.config["models"]:
        cells = [str(root / cell) for cell in plan.cells_of(model, study)]
        params = {"model": model, "dataset": plan.config["dataset"]["name"], "cells": cells}
        for stage, table in ((compare_latency, "latency.csv"), (compare_int8, "int8.csv")):
            yield from _remade(stage, _folder(root, study, model), {"table": table}, params)


def _gaps(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    for model in plan.config["models"]:
        inputs = {
            protocol: _folder(root, name, model) / "comparison.csv"
            for name, protocol in plan.protocols.items()
        }
        params = {"model": model, "study": study, "dataset": plan.config["dataset"]["name"]}
        yield from _remade(optimism, _folder(root, study, model), {"table": "optimism.csv"}, params, inputs)


def _differences(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    params = {
        "tables": _tables(plan, study, root),
        "cells": [str(root / cell) for cell in plan.folders(study)],
    }
    names = {"table": "differences.csv", "images": "mcnemar.csv"}
    yield from _remade(differences, _folder(root, study), names, params)


def _verdicts(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    folder = _folder(root, study)
    params = {"tables": _tables(plan, study, root), "source": f"study {study}"}
    names = {"document": "verdicts.json", "page": "verdicts.md"}
    yield from _remade(verdicts, folder, names, params)


def _latency_verdicts(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    folder = _folder(root, study)
    latencies = [str(folder / model / "shape_latency.csv") for model in plan.config["models"]]
    params = {
        "tables": _tables(plan, study, root),
        "latencies": latencies,
        "source": f"study {study}",
    }
    names = {"document": "verdicts-latency.json", "page": "verdicts-latency.md"}
    measured = {str(number): Path(path) for number, path in enumerate(latencies)}
    yield from _remade(latency_verdicts, folder, names, params, measured)


def _leads(plan: Plan, study: str, root: Path) -> Iterator[Finding]:
    params = {"tables": _tables(plan, study, root), "source": f"study {study}"}
    names = {"document": "leads.json", "table": "leads.csv", "page": "leads.md"}
    yield from _remade(leads, _folder(root, study), names, params, resources={"plan": plan.questions})


# In the order in which one is made from the others.
REMADE = (_collections, _measured, _gaps, _differences, _verdicts, _latency_verdicts, _leads)


def _folder(root: Path, study: str, model: str = "") -> Path:
    return root / "results" / study / model


def _tables(plan: Plan, study: str, root: Path) -> list[str]:
    return [str(_folder(root, study, model) / "comparison.csv") for model in plan.config["models"]]


def _remade(
    stage: Callable[[Job], None],
    folder: Path,
    names: dict[str, str],
    params: dict[str, Any],
    inputs: dict[str, Path] | None = None,
    resources: dict[str, Any] | None = None,
) -> Iterator[Finding]:
    """Outputs of a stage that differ from what it makes now; those that are not there are not asked for.

    Args:
        stage: the stage; its figures are made and not compared.
        folder: where its outputs are.
        names: of the outputs that are compared, by the stage's name for each.
        params: of its job.
        inputs: of its job.
        resources: of its job.
    """
    asked = inputs or {}
    if not any((folder / name).exists() for name in names.values()):
        return
    if lacking := [path for path in asked.values() if not path.exists()]:
        yield Finding(lacking[0], "", "missing: there are tables made from it")
        return
    with tempfile.TemporaryDirectory() as place:
        figures = {"png": "a.png", "svg": "a.svg"}
        outputs = {key: Path(place) / name for key, name in (figures | names).items()}
        told = logging.getLogger("filterbench")
        level = told.level
        told.setLevel(logging.WARNING)
        try:
            stage(Job(asked, outputs, params, resources=resources or {}))
        except InputError as reason:
            yield Finding(folder, "", f"its tables cannot be made: {reason}")
            return
        finally:
            told.setLevel(level)
        for key, name in names.items():
            kept = folder / name
            if kept.exists() and _content(kept) != _content(outputs[key]):
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
