"""The scripts of docs/, and what kept studies were computed with."""

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from checkout import REPOSITORY


def load(path: str) -> ModuleType:
    """A script as a module of its own.

    Args:
        path: in docs/, without its ending.
    """
    file = REPOSITORY / f"docs/{path}.py"
    # As Python does for a script, for the modules beside it.
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def when_computed(archive: Path, file: str) -> list[str]:
    """The contents of a file of the repository at the commits whose code made a kept study's documents."""
    with tarfile.open(archive) as tar:
        versions = {
            json.load(tar.extractfile(entry))["provenance"]["code"]["version"]
            for entry in tar
            if entry.name.endswith(("finetune.json", "baseline.json"))
        }
    assert versions, f"{archive} has no documents of baselines or fine-tuned nets"
    found = []
    for version in sorted(versions):
        command = ["git", "show", f"{version.split('+')[1]}:{file}"]
        shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if shown.returncode:
            # The workflow of .github fetches the history, so that there the question is answered.
            without = pytest.fail if "GITHUB_ACTIONS" in os.environ else pytest.skip
            without(f"needs the history: {shown.stderr.strip()}")
        found.append(shown.stdout)
    return found
