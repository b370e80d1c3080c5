"""Cells that failed, as their logs tell."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filterbench.orchestration.plan import Plan
from filterbench.study.paths import baseline_folder, trajectory_document

MAX_LINES = 20
# Records that stay while a job goes on with them, and a table of a whole model.
BY_LOG_ALONE = ("trajectory", "latency_table")


@dataclass(frozen=True)
class Failure:
    """A job that ended without its document.

    Attributes:
        folder: of the cell or baseline.
        stage: what it was to make.
        reason: what it said last.
        log: where all that it said stands.
    """

    folder: Path
    stage: str
    reason: str
    log: Path

    def __str__(self) -> str:
        return f"{self.folder}: {self.stage}: {self.reason} ({self.log})"


def failures(plan: Plan) -> Iterator[Failure]:
    """The jobs of a study's cells, baselines and search paths that failed when they last ran."""
    folders = {Path(cell) for cell in plan.cells}
    folders |= {
        place for cell in folders for place in (baseline_folder(cell), trajectory_document(cell).parent)
    }
    folders |= {cell.parents[2] for cell in folders}
    for log in sorted(Path("logs", plan.study).rglob("*.log")):
        folder, stage = Path("results", *log.parent.parts[1:]), log.stem
        # A log is called like the document of its job.
        made = (folder / f"{stage}.json").exists() and stage not in BY_LOG_ALONE
        # A model's own logs are those of tables and figures, but for one.
        in_cell = folder in folders and (len(folder.parts) > 3 or stage in BY_LOG_ALONE)
        if in_cell and not made and (reason := _reason(log)):
            yield Failure(folder, stage, reason, log)


def _reason(log: Path) -> str:
    """The error that a log ends with; empty where it ends with none, as that of a job which was killed."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if not lines:
        return ""
    told = lines[-1].partition("] error: ")[2]
    return told or (lines[-1].strip() if any(line.endswith("] failed") for line in lines) else "")


def missing_cells(plan: Plan) -> list[str]:
    """The cells of a study that have no result."""
    return [cell for cell in plan.cells if not (Path(cell) / "result.json").exists()]


def summary(plan: Plan, found: Iterable[Failure]) -> list[str]:
    """What is missing and what failed, in lines."""
    failed, missing = list(found), missing_cells(plan)
    lines = [f"study {plan.study}: {len(missing)} of {len(plan.cells)} cells are missing"]
    lines += [f"failed: {failure}" for failure in failed[:MAX_LINES]]
    if len(failed) > MAX_LINES:
        lines.append(f"and {len(failed) - MAX_LINES} more")
    return lines


def tell_failures(plan: Plan) -> None:
    """Say on standard error what failed, and how to look at what is there."""
    lines = summary(plan, failures(plan))
    lines.append("to look at what is there: snakemake --cores 1 so_far, with the same study")
    print("\n".join(lines), file=sys.stderr)
