"""Jobs that failed, found in their logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filterbench.orchestration.plan import Plan

MAX_LINES = 20
# Jobs whose document exists even if they failed: a record that is continued, and a table of a whole model.
BY_LOG_ALONE = ("trajectory", "latency_table")
HINTS = (
    "to see the finished cells: snakemake --cores 1 so_far, with the same study",
    "to go on: run the same command again; what is finished stays, and the rest resumes where it stopped",
)


@dataclass(frozen=True)
class Failure:
    """A job that ended without its document; the reason is the last line of its log."""

    folder: Path
    stage: str
    reason: str
    log: Path

    def __str__(self) -> str:
        return f"{self.folder}: {self.stage}: {self.reason} ({self.log})"


def failures(plan: Plan) -> Iterator[Failure]:
    """The jobs of a study's cells, and of what they share, that failed when they last ran."""
    folders = {Path(cell) for cell in plan.cells}
    folders |= {place for cell in folders for place in plan.shared_folders(cell)}
    folders |= {cell.parents[2] for cell in folders}
    for log in sorted(Path("logs", plan.study).rglob("*.log")):
        folder, stage = Path("results", *log.parent.parts[1:]), log.stem
        # A log is called like the document of its job.
        made = (folder / f"{stage}.json").exists() and stage not in BY_LOG_ALONE
        # A model's own logs are those of tables and figures, with one exception.
        in_cell = folder in folders and (len(folder.parts) > 3 or stage in BY_LOG_ALONE)
        if in_cell and not made and (reason := _reason(log)):
            yield Failure(folder, stage, reason, log)


def _reason(log: Path) -> str:
    """The error at the end of a log; empty if there is none, such as after a job was killed."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if not lines:
        return ""
    error = lines[-1].partition("] error: ")[2]
    return error or (lines[-1].strip() if any(line.endswith("] failed") for line in lines) else "")


def summary(plan: Plan) -> list[str]:
    """Missing and failed cells of a study, in lines."""
    failed = list(failures(plan))
    missing = [cell for cell in plan.cells if not (Path(cell) / "result.json").exists()]
    lines = [f"study {plan.study}: {len(missing)} of {len(plan.cells)} cells are missing"]
    lines += [f"failed: {failure}" for failure in failed[:MAX_LINES]]
    if len(failed) > MAX_LINES:
        lines.append(f"and {len(failed) - MAX_LINES} more")
    return lines


def tell_failures(plan: Plan) -> None:
    """Print the summary on standard error after a failure or an interruption, and how to go on."""
    print("\n".join([*summary(plan), *HINTS]), file=sys.stderr)
