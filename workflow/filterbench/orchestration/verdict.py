"""The verdict of `validate` on results that lie elsewhere, which stay as they are."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from filterbench.documents import read
from filterbench.storage.errors import InputError
from filterbench.storage.files import HIDDEN, NO_FILE, entries_below
from filterbench.study.paths import VERDICT
from filterbench.study.submitted import STUDY_FILE, Submission

logger = logging.getLogger(__name__)

SNAKEFILE = Path(__file__).parents[2] / "Snakefile"
# Variables of this run, which another one must not take for its own.
OWN = "FILTERBENCH_"
LAST_LINES = 5


def verdict_on(submission: Submission) -> dict[str, Any]:
    """Run `snakemake validate --config partial=true` on links to the files of a submission.

    Returns:
        The verdict's document (`validation.json`).

    Raises:
        InputError: the study is faulty, or `validate` finds faults, which are logged; or a file is a pipe,
            a device or a broken link.
    """
    with TemporaryDirectory() as place:
        root, study = Path(place).resolve(), submission.config["study"]
        _link(submission.results, root / "results" / study)
        for images in (submission.folder / "data", Path("data")):
            if images.is_dir():
                (root / "data").symlink_to(images.resolve())
                break
        (root / STUDY_FILE).write_text(yaml.safe_dump(submission.config, sort_keys=False), encoding="utf-8")
        run = _validate(root)
        if run.returncode:
            for line in _faults(root, study, run.stdout):
                logger.error("%s: %s", submission.folder, line)
            raise InputError(f"{submission.folder}: `validate` refuses its results, for the reasons above")
        return read(root / "results" / study / VERDICT)


def _link(results: Path, place: Path) -> None:
    """Links to all files below a folder, but for hidden ones and an earlier verdict."""
    for path, reason in entries_below(results, hidden=lambda name: name.startswith(".")):
        if reason == NO_FILE:
            raise InputError(f"{path}: a pipe, socket, device or broken link; remove it")
        if reason != HIDDEN and path.name != VERDICT and path.is_file():
            link = place / path.relative_to(results)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())


def _validate(root: Path) -> subprocess.CompletedProcess[str]:
    """What `validate` says in a folder; without hooks, as there is nothing to compute."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", SNAKEFILE, "--directory", root, "--cores=1"]
    asked = ["--no-hooks", "validate", "--config", "partial=true", "--configfile", root / STUDY_FILE]
    return subprocess.run(
        [*map(str, command), *map(str, asked)],
        env={name: value for name, value in os.environ.items() if not name.startswith(OWN)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _faults(root: Path, study: str, said: str) -> list[str]:
    """The lines of the job's log or, where no job ran, those that refuse the study, or the last ones."""
    log = root / "logs" / study / "validate.log"
    all_said = said.splitlines()
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    refused = [line for line in all_said if line.startswith("error: ")]
    found = lines or refused or all_said[-LAST_LINES:]
    return [line.removeprefix("[validate] ").replace(f"{root}/", "") for line in found]
