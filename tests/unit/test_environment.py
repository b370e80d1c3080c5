"""The pins for pip and for conda, and the packages that the project names."""

import tomllib
from pathlib import Path

import yaml

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
