"""The study as all rules see it, and what a job may take of the machine."""

import gc
import os
import re
import sys
from pathlib import Path

# Scripts run in their own processes, on cluster nodes too: all of them find the package here. Of another workflow
# that uses this one as a module, `workflow.basedir` is its own folder.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
WORKFLOW = str(ROOT / "workflow")
sys.path.insert(0, WORKFLOW)
os.environ |= {"PYTHONPATH": os.pathsep.join([WORKFLOW, *filter(None, [os.getenv("PYTHONPATH")])])}
# The C library gives large blocks back to the system and asks for them again, page by page, at every training
# step; that took a tenth of the time. These are its largest thresholds.
os.environ |= {
    name: os.getenv(name, value)
    for name, value in {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**25)}.items()
}
# The SLURM executor finds its `sacct`, `sbatch`, `sinfo` and `sshare` here.
if workflow.is_main_process:
    os.environ |= {"PATH": f"{ROOT}/profiles/slurm/bin{os.pathsep}{os.getenv('PATH', os.defpath)}"}

from snakemake.settings.enums import Quietness

from filterbench.pruners.registry import PRUNERS
from filterbench.analysis.published_tables import PAPER_TABLE, RAW_TABLE, published_names
from filterbench.orchestration.code import rule_digest
from filterbench.orchestration.exports import exported_or_exit
from filterbench.orchestration.figures import FIGURES, RANKING, figures
from filterbench.plotting.kinds import KINDS
from filterbench.orchestration.manifest import list_files, list_unlisted, outdated
from filterbench.orchestration.tables import params_by_wildcards
from filterbench.orchestration.targets import made_if_reported, other_targets
from filterbench.jobs.devices import count_gpus
from filterbench.orchestration import progress
from filterbench.jobs import forked
from filterbench.jobs.job import SHOWN_FROM
from filterbench.orchestration.resources import more_each_time, prune_minutes
from filterbench.orchestration.runs import tell_other_runs
from filterbench.orchestration.stopping import stop_in_a_thread
from filterbench.jobs.version import code_version
from filterbench.storage.files import files_digest
from filterbench.results.failures import tell_failures
from filterbench.study.inputs import INPUTS, searched_inputs
from filterbench.study.paths import BASELINE, CELL, LATENCY_TABLE, MODEL_FOLDER, SPARSE, TRAJECTORY, any_of
from filterbench.orchestration.entry import AUDIT, plan_or_exit

# What is imported stays to the end, as the DAG's objects do: the first is never looked through for garbage, the others
# seldom. To do so again and again took a fifth of the time that a DAG takes.
gc.freeze()
gc.set_threshold(100_000, 50, 50)

PLAN = plan_or_exit(config, workflow)
STUDY = PLAN.study
ENVIRONMENT = "../../envs/pruning.yaml"
COMPARISONS = expand(
    f"{MODEL_FOLDER}/comparison.{{kind}}", study=STUDY, model=config["models"], kind=["json", "csv"]
)
TABLES = [path for path in COMPARISONS if path.endswith(".csv")]
# Files of a cell that are removed once nothing needs them any more.
PASSING = temp if config.get("keep_weights") == "final" else str
PUBLISHED_MODELS = published_names("model")


def stage(name):
    """Params of all rules: the stage, and a digest of the code that a job of it runs.

    That is the code of the job's own model, pruner and penalty or, where it takes all models and pruners, of all.
    """
    return {
        "stage": f"stages.{name}",
        "code": lambda wildcards: rule_digest(
            name,
            dataset=config["dataset"]["name"],
            model=wildcards.get("model", tuple(config["models"])),
            pruner=wildcards.get("pruner", (*config["pruners"], *published_names("pruner"))),
            penalty=PLAN.sparse_training(wildcards).get("penalty", ()),
        ),
    }


def vector(figure, prefix=""):
    """The outputs of a figure's rule beside its PNG; `prefix` is that of their names."""
    return {f"{prefix}{kind}": f"{figure}.{kind}" for kind in KINDS if kind != "png"}


# Of another workflow that uses this one as a module, where Snakemake places inputs and outputs.
PREFIX = getattr(workflow.modifier.path_modifier, "prefix", None) or ""


def there(path):
    """A path in params as jobs find it."""
    return f"{PREFIX}{path}"


def made_digest(paths):
    """Digest of those of a study's files that are made, for rules that take them as they are."""
    return files_digest(path for path in map(Path, map(there, paths)) if path.exists())


# Of the study and its twin.
FOLDERS = [Path(there(f"results/{name}")) for name in PLAN.protocols]


def table_stage(name):
    """Params of a rule that makes tables, figures or verdicts of the study."""
    return {**stage(name), **params_by_wildcards(name, PLAN, there)}


def outdated_files(wildcards):
    """Listed files that the study does not ask for so.

    Snakemake asks when all that `validate` comes after is made; only then can it be listed.
    """
    list_files(workflow, PLAN, FOLDERS)
    return outdated(workflow, PLAN, FOLDERS)


onstart:
    # Asked once, for all jobs of the run.
    code_version()
    list_files(workflow, PLAN, FOLDERS)
    stop_in_a_thread(workflow.scheduler)
    if runs_here():
        forked.start()
        # Snakemake's limit of jobs a second has it look at all jobs that are ready again each second, once more for
        # every job that has ended: in a study of 1800 jobs that took half a core.
        workflow.scheduler.job_rate_limiter = None
    quiet = workflow.output_settings.quiet
    if Quietness.ALL not in quiet:
        progress.start(workflow, alone=Quietness.PROGRESS in quiet)
    if quiet & {Quietness.RULES, Quietness.ALL}:
        os.environ |= {SHOWN_FROM: "WARNING"}


onsuccess:
    list_files(workflow, PLAN, FOLDERS)


onerror:
    list_files(workflow, PLAN, FOLDERS)
    # The audit of claims is of no study, and a merge of results from elsewhere; a validation makes nothing.
    if set(workflow.dag_settings.targets) not in ({AUDIT}, {"merge"}, {"validate"}):
        tell_failures(PLAN)


if workflow.is_main_process:
    tell_other_runs()
    # Asked once: the driver takes its time, and every job's params need it.
    GPUS = count_gpus()
    # GPU jobs that run at once on this machine: as many as it has GPUs. A cluster's profile says its own number.
    if "gpu" not in workflow.global_resources:
        workflow.register_resource("gpu", GPUS)


# GPUs of a job that computes with nets.
GPU = 0 if config["device"] == "cpu" else 1
if workflow.is_main_process:
    GPU = min(GPU, workflow.global_resources["gpu"].value)


def runs_here():
    """Whether this process runs the jobs on this machine; Snakemake knows only after it has read its files."""
    return workflow.is_main_process and workflow.local_exec


def device(wildcards):
    """Where a job computes; `auto` is `cpu` where this machine runs the jobs and has no GPU."""
    return "cpu" if config["device"] == "auto" and runs_here() and not GPUS else config["device"]


def whole_machine(wildcards):
    """All cores, so that no other job disturbs a measurement; on a cluster the profile asks for a whole node."""
    return workflow.cores if runs_here() else PLAN.latency["threads"]


def workers(wildcards):
    """Candidates that a search path judges at once: as many as there are cores here, four on a cluster."""
    return 1 if GPU else workflow.cores if runs_here() else 4


wildcard_constraints:
    study=any_of(PLAN.protocols),
    model=any_of(config["models"]),
    seed=any_of(config["seeds"]),
    pruner=any_of(config["pruners"]),
    target=any_of(sorted({Path(cell).name for cell in PLAN.cells})),
