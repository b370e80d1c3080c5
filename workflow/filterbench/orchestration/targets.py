"""Targets named on the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.io import Wildcards
    from snakemake.workflow import Workflow


def made_if_reported(files: Iterable[str]) -> list[str]:
    """All files or, for `--report`, those that are there: Snakemake refuses a report of a missing file."""
    reported = any(word.split("=")[0] == "--report" for word in sys.argv)
    return [file for file in files if not reported or Path(file).exists()]


def other_targets(workflow: Workflow, target: str) -> Callable[[Wildcards], list[str]]:
    """An input function of a rule that runs after all other targets of the command line.

    Args:
        workflow: Snakemake's.
        target: name of the rule itself.
    """

    def files(wildcards: Wildcards) -> list[str]:
        named = set(workflow.dag_settings.targets)
        # In a module the rule's name has a prefix.
        own = {name for name in named if workflow.is_rule(name) and name.endswith(target)}
        asked = sorted(named - own)
        rules = [workflow.get_rule(name) for name in asked if workflow.is_rule(name)]
        paths = [name for name in asked if not workflow.is_rule(name)]
        return [*paths, *(str(file) for rule in rules for file in (rule.output or rule.input))]

    return files
