"""Which FilterBench this is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from filterbench import __version__

ROOT = Path(__file__).parents[3]
# What numbers come from; a study's own files are no part of the code.
CODE = ("workflow", "Snakefile")
VARIABLE = "FILTERBENCH_VERSION"


def code_version() -> str:
    """The version and, in a git checkout, its commit; `-changed` where the code is not as committed.

    Asked once in a run: jobs find the answer in their environment.
    """
    known = os.environ.get(VARIABLE)
    if not known:
        known = os.environ[VARIABLE] = __version__ + _commit()
    return known


def _commit() -> str:
    top = _git("rev-parse", "--show-toplevel", "--short=12", "HEAD").splitlines()
    # A copy of the files within somebody's own repository is no checkout of this one.
    if len(top) != 2 or Path(top[0]).resolve() != ROOT.resolve():
        return ""
    changed = "-changed" if _git("status", "--porcelain", "--", *CODE) else ""
    return f"+{top[1]}{changed}"


def _git(*arguments: str) -> str:
    """What git prints; nothing where it fails or is not there."""
    try:
        run = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""
