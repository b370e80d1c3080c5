"""The pins for pip and for conda, and the packages that the project names."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from filterbench import __version__
from filterbench.jobs.version import VARIABLE

REPOSITORY = Path(__file__).parents[2]


def pins() -> list[str]:
    return (REPOSITORY / "envs/pruning.txt").read_text().splitlines()


def test_conda_installs_the_pins_of_pip():
    environment = yaml.safe_load((REPOSITORY / "envs/pruning.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == pins()


def test_every_package_is_pinned():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    pinned = {line.split("==")[0].split("[")[0] for line in pins()}
    assert {name.split("==")[0] for name in wanted} <= pinned
    assert all("==" in line for line in pins())


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *named, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def version_in(folder: Path) -> str:
    """What a copy of the package says of itself, in a process of its own."""
    ask = "from filterbench.jobs.version import code_version; print(code_version())"
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment["PYTHONPATH"] = str(folder / "workflow")
    run = [sys.executable, "-c", ask]
    return subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_the_version_has_the_commit_and_says_where_the_code_is_another(tmp_path):
    # The path of a checkout may hold a space.
    copy = tmp_path / "my work"
    parts = ["__init__.py", "jobs/__init__.py", "jobs/version.py"]
    for part in parts:
        target = copy / "workflow/filterbench" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "workflow/filterbench" / part, target)
    (copy / "config.yaml").touch()
    assert version_in(copy) == __version__
    git(copy, "init", "-q")
    git(copy, "add", ".")
    git(copy, "commit", "-qm", "all")
    committed = f"{__version__}+{git(copy, 'rev-parse', '--short=12', 'HEAD')}"
    shutil.rmtree(copy / "workflow/filterbench/__pycache__", ignore_errors=True)
    shutil.rmtree(copy / "workflow/filterbench/jobs/__pycache__", ignore_errors=True)
    (copy / "config.yaml").write_text("study: mine")
    assert version_in(copy) == committed
    (copy / "workflow/filterbench/new.py").touch()
    assert version_in(copy) == f"{committed}-changed"
    # Files within somebody's own repository are no checkout.
    (copy / ".git").rename(tmp_path / ".git")
    assert version_in(copy) == __version__


def test_the_version_is_the_packages():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["project"]["version"] == __version__
