"""Digests of a copy of the package, in a process of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[2] / "workflow"
RULES = [
    "prepare_data",
    "train_baseline",
    "prune",
    "speedup",
    "count",
    "finetune",
    "result",
    "compare",
    "plot",
]


@pytest.fixture
def package(tmp_path) -> Path:
    shutil.copytree(WORKFLOW, tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "workflow"


def digests(package: Path) -> dict[str, str]:
    code = f"from filterbench.sources import rule_digest\nfor rule in {RULES}: print(rule_digest(rule))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=package, capture_output=True, text=True, check=True
    )
    return dict(zip(RULES, run.stdout.split(), strict=True))


def changed_rules(package: Path, module: str, old: str, new: str) -> set[str]:
    before = digests(package)
    path = package / module
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    after = digests(package)
    return {rule for rule in RULES if before[rule] != after[rule]}


def test_a_changed_line_of_counting_changes_the_count_rule_alone(package):
    changed = changed_rules(package, "filterbench/counting.py", '"full"', '"default"')
    assert changed == {"count"}


def test_a_changed_line_of_training_changes_the_rules_that_train(package):
    changed = changed_rules(package, "filterbench/training/loop.py", "gamma=0.1", "gamma=0.2")
    assert changed == {"train_baseline", "prune", "finetune"}


def test_a_changed_script_changes_its_rule(package):
    changed = changed_rules(
        package, "scripts/prune.py", "jobs.run(snakemake, prune)", "jobs.run(snakemake, prune) or 1"
    )
    assert changed == {"prune"}


def test_comments_docstrings_and_layout_do_not_count(package):
    changed = changed_rules(package, "filterbench/counting.py", '"""Params and', '"""Both params and')
    changed |= changed_rules(package, "filterbench/errors.py", "class", "# A comment.\n\n\nclass")
    assert changed == set()
