"""Rule `validate`: whether a study is whole and holds together."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.documents import schema_path, write
from filterbench.integrity.findings import Finding, Report
from filterbench.integrity.listed import WITHOUT_MANIFEST
from filterbench.integrity.study import findings
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan
from filterbench.orchestration.tables import TableParams, params_of
from filterbench.plotting.kinds import KINDS
from filterbench.stages.claims import claims
from filterbench.stages.compare import compare
from filterbench.stages.compare_int8 import compare_int8
from filterbench.stages.compare_latency import compare_latency
from filterbench.stages.differences import differences
from filterbench.stages.latency_verdicts import latency_verdicts
from filterbench.stages.leads import leads
from filterbench.stages.optimism import optimism
from filterbench.stages.plot_sensitivity import plot_sensitivity
from filterbench.stages.ranking import ranking
from filterbench.stages.reproduction import reproduction
from filterbench.stages.verdicts import verdicts
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest
from filterbench.study.paths import MANIFEST, VERDICT

logger = logging.getLogger(__name__)

MAX_LINES = 100
# Columns of wall-clock times, which come from files that are no documents.
TIMES = "seconds_"
FIGURES = {kind: f"a.{kind}" for kind in KINDS}


def validate(job: Job) -> None:
    """Check the study, name each fault, and write the verdict only if there is none.

    Raises:
        InputError: a document is faulty, cells are missing, or there are no documents yet.
    """
    plan, partial, root = Plan(job.params["config"]), job.params["partial"], Path(job.params["root"])
    verdict = root / "results" / plan.study / VERDICT
    verdict.unlink(missing_ok=True)
    report = Report()
    outdated = (Finding(Path(path), "", reason) for path, reason in job.params["outdated"].items())
    found = list(islice(chain(outdated, study_findings(plan, root, report)), MAX_LINES + 1))
    for finding in found[:MAX_LINES]:
        logger.error("%s", finding)
    if not report.checked and not found:
        folder = verdict.parent
        raise InputError(f"{folder}: no documents to check yet; run the study first: snakemake --cores all")
    if found:
        faults = f"more than {MAX_LINES}" if len(found) > MAX_LINES else len(found)
        files = len({finding.file for finding in found})
        raise InputError(f"study {plan.study}: {faults} faults in {files} files")
    if not partial and (lacking := _lacking(plan, report)):
        raise InputError(
            f"{lacking}; run the study to its end, or ask for a verdict on what is there: "
            "--config partial=true"
        )
    if report.unfinished:
        report.unchecked["documents that are not made yet"] += len(report.unfinished)
    for reason, number in report.unchecked.items():
        logger.info("not checked: %d %s", number, reason)
    if report.unchecked[WITHOUT_MANIFEST]:
        logger.warning(
            "%s: no %s, so that changed and added files are found only where documents contradict them; "
            "`snakemake --cores 1 manifest` lists the files as they are now",
            verdict.parent,
            MANIFEST,
        )
    kinds = dict(sorted(report.checked.items()))
    write(verdict, _document(plan, report, kinds))
    listed = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    logger.info("%d documents are sound: %s", sum(kinds.values()), listed)


def _lacking(plan: Plan, report: Report) -> str:
    """What the study asks for and has not; empty for a whole one."""
    if report.missing:
        return f"{len(report.missing)} of {len(plan.cells)} cells are missing ({report.missing[0]}, ...)"
    if report.unfinished:
        asked = len(plan.all_documents)
        return f"{len(report.unfinished)} of {asked} documents are missing ({report.unfinished[0]}, ...)"
    return ""


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
            for finding in _readable(findings(plan, study, root, own)):
                sound = False
                yield finding
            if sound and not own.missing and not own.unfinished:
                yield from _readable(_other_tables(plan, study, root))


def _readable(found: Iterator[Finding]) -> Iterator[Finding]:
    """What is found, up to a file that cannot be read or has a folder in its place."""
    try:
        yield from found
    except OSError as reason:
        yield Finding(Path(reason.filename or "results"), "", f"cannot be read ({reason.strerror})")


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
    """Collections, tables and verdicts that differ from those that the documents give.

    What was made from a table that is wrong itself is not checked.
    """
    for remade in REMADE:
        if study != plan.study and not remade.in_twin:
            continue
        sound = True
        for model in plan.config["models"] if remade.of_a_model else [""]:
            asked = TableParams(plan, study, model, lambda path: str(root / path))
            for finding in remade.findings(asked, root):
                sound = False
                yield finding
        if not sound:
            return


@dataclass(frozen=True)
class _Remade:
    """Files that a stage makes from documents or from other tables.

    Attributes:
        stage: makes them.
        names: of the outputs that are compared, by the stage's name for each.
        of_a_model: whether each model has its own.
        in_twin: whether the study's twin has them, too.
    """

    stage: Callable[[Job], None]
    names: Mapping[str, str]
    of_a_model: bool = False
    in_twin: bool = False

    def findings(self, asked: TableParams, root: Path) -> Iterator[Finding]:
        """Outputs that differ from what the stage makes now; figures and missing ones are not compared."""
        folder = root / "results" / asked.study / asked.model
        if not any((folder / name).exists() for name in self.names.values()):
            return
        params = params_of(self.stage.__name__, asked)
        if lacking := [path for path in _files(params) if not path.exists()]:
            yield Finding(lacking[0], "", "missing: there are tables made from it")
            return
        resources = {"plan": asked.of.questions, "claims": asked.of.claims}
        with tempfile.TemporaryDirectory() as place, _silent():
            outputs = {key: Path(place) / name for key, name in {**FIGURES, **self.names}.items()}
            try:
                self.stage(Job({}, outputs, params, resources=resources))
            # A table that is not remade itself, such as of latencies, can hold anything.
            except (InputError, ValueError, TypeError, LookupError) as reason:
                yield Finding(folder, "", f"its tables cannot be made: {reason}")
                return
            for key, name in self.names.items():
                kept = folder / name
                if kept.exists() and _content(kept) != _content(outputs[key]):
                    yield Finding(kept, "", "not what its documents give: changed by hand, or not rebuilt")


# In the order in which one is made from the others.
REMADE = (
    _Remade(
        compare,
        {"collection": "comparison.json", "table": "comparison.csv", "digests": "digests.json"},
        of_a_model=True,
        in_twin=True,
    ),
    _Remade(compare_latency, {"table": "latency.csv"}, of_a_model=True, in_twin=True),
    _Remade(compare_int8, {"table": "int8.csv"}, of_a_model=True, in_twin=True),
    _Remade(plot_sensitivity, {"table": "sensitivity.csv"}, of_a_model=True, in_twin=True),
    _Remade(optimism, {"table": "optimism.csv"}, of_a_model=True),
    _Remade(differences, {"table": "differences.csv", "images": "mcnemar.csv"}),
    _Remade(verdicts, {"document": "verdicts.json", "page": "verdicts.md"}),
    _Remade(latency_verdicts, {"document": "verdicts-latency.json", "page": "verdicts-latency.md"}),
    _Remade(leads, {"document": "leads.json", "table": "leads.csv", "page": "leads.md"}),
    _Remade(ranking, {"document": "ranking.json", "table": "ranking.csv", "page": "ranking.md"}),
    _Remade(claims, {"table": "claims.csv"}),
    _Remade(reproduction, {"document": "reproduction.json", "page": "reproduction.md"}),
)


def _files(params: Mapping[str, Any]) -> Iterator[Path]:
    """The tables that params name."""
    for value in params.values():
        names = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        yield from (Path(name) for name in names if str(name).endswith(".csv"))


@contextmanager
def _silent() -> Iterator[None]:
    """What the stages would say is not shown."""
    package = logging.getLogger("filterbench")
    level = package.level
    package.setLevel(logging.ERROR)
    try:
        yield
    finally:
        package.setLevel(level)


def _content(path: Path) -> Any:
    """What of a file must be the same: all of it, of a table all but times."""
    if path.suffix != ".csv":
        return path.read_bytes()
    with suppress(ValueError):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        kept = [column for column in table.columns if not column.startswith(TIMES)]
        return kept, table[kept].to_numpy().tolist()
    return path.read_bytes()
