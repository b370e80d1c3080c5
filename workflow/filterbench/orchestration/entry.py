"""The study of a run, or one line that says what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filterbench.orchestration.own_code import try_own_code
from filterbench.orchestration.plan import Plan
from filterbench.storage.errors import InputError
from filterbench.storage.strangers import refuse_unusual
from filterbench.study.cells import Config
from filterbench.study.given_layers import check_layers
from filterbench.study.imports import Imports, imports_of
from filterbench.study.locating import short_path
from filterbench.study.planned import check_questions
from filterbench.study.reading import check_claims, read_study

# The target that audits a table of reported points, whatever models the study has.
AUDIT = "claims"

if TYPE_CHECKING:
    from snakemake.workflow import Workflow


def plan_or_exit(config: Config, workflow: Workflow) -> Plan:
    """The plan of a study, or the end of the process with one line; see `read_study`.

    Args:
        config: as Snakemake merged it or, of a module, as the importing workflow gives it.
        workflow: Snakemake's.
    """
    if " " in sys.executable:
        # Snakemake starts scripts by the interpreter's path, unquoted (snakemake/snakemake issue 2645).
        sys.exit(f"error: {sys.executable}: the path of Python holds a space; move it to one without")
    files = [str(Path(file).absolute()) for file in workflow.configfiles]
    overwritten = workflow.config_settings.config
    if not workflow.modifier.is_main_snakefile():
        # The importing workflow's files and command line are about itself.
        files, overwritten = [], {}
    try:
        if not workflow.is_main_process:
            return Plan(read_study(config, files, overwritten))
        study = read_study(config, files, overwritten, _announce)
        # Snakemake knows its targets only after it has read its files.
        if AUDIT not in sys.argv[1:]:
            check_claims(study)
        check_questions(study)
        check_layers(study)
        plan = Plan(study)
        # Where jobs read and write; `.shared` has the records of what studies take from each other.
        own = (Path("results") / name for name in (*plan.protocols, ".shared"))
        refuse_unusual([*own, Path(plan.images)])
        try_own_code(plan)
        return plan
    except InputError as reason:
        sys.exit(f"error: {reason}")


def _announce(code: Sequence[str]) -> None:
    """Name on standard error the user's own code that runs next, in a dry run, too."""
    listed = ", ".join(short_path(Path(each)) if each.endswith(".py") else each for each in code)
    print(f"note: running own code, as the study or an installed package asks: {listed}", file=sys.stderr)


def imports_or_exit(config: Config, tell: bool) -> Imports:
    """What a study's folder of NNI results holds, or the end of the process with one line.

    Args:
        config: the checked study.
        tell: list skipped files on standard error.
    """
    try:
        found = imports_of(config.get("nni_results") or "")
    except InputError as reason:
        sys.exit(f"error: {reason}")
    if tell and found.summary():
        print(found.summary(), file=sys.stderr)
    return found
