"""A rule's job as the package sees it, and how a script runs it: log, progress, one-line errors."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filterbench.errors import InputError

logger = logging.getLogger("filterbench")


@dataclass(frozen=True)
class Job:
    """What a rule gives to its script.

    Attributes:
        inputs: input files by name.
        outputs: output files by name.
        params: the rule's params by name.
        threads: CPU threads of the job.
        title: what the log calls the job.
    """

    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    params: Mapping[str, Any]
    threads: int = 1
    title: str = ""


def run(snakemake: Any, stage: Callable[[Job], None]) -> None:
    """Run a stage for the `snakemake` object of a script.

    Messages go to the rule's log file and to standard error. A user's mistake ends the process
    with one line and exit code 1; any other error leaves its traceback in both.
    """
    title = " ".join([snakemake.rule, *map(str, snakemake.wildcards)])
    handlers: list[logging.Handler] = [
        logging.StreamHandler(sys.stderr),
        logging.FileHandler(snakemake.log[0], mode="w"),
    ]
    logging.basicConfig(level=logging.WARNING, format=f"[{title}] %(message)s", handlers=handlers)
    logger.setLevel(logging.INFO)
    job = Job(
        inputs=_paths(snakemake.input),
        outputs=_paths(snakemake.output),
        params=dict(snakemake.params.items()),
        threads=snakemake.threads,
        title=title,
    )
    try:
        stage(job)
    except InputError as reason:
        logger.error("error: %s", reason)
        sys.exit(1)
    except Exception:
        logger.exception("failed")
        sys.exit(1)


def _paths(named: Any) -> dict[str, Path]:
    return {name: Path(path) for name, path in named.items() if isinstance(path, str)}
