"""Paths, cells and params that several rules share."""

import csv
import os
import re
import sys
from pathlib import Path

# Scripts run in their own processes, on cluster nodes too: all of them find the package here.
WORKFLOW = str(Path(workflow.basedir) / "workflow")
sys.path.insert(0, WORKFLOW)
os.environ |= {"PYTHONPATH": os.pathsep.join([WORKFLOW, *filter(None, [os.getenv("PYTHONPATH")])])}
# The SLURM executor finds its `sacct`, `sbatch`, `sinfo` and `sshare` here.
if workflow.is_main_process:
    SLURM_TOOLS = str(Path(workflow.basedir) / "profiles/slurm/bin")
    os.environ |= {"PATH": os.pathsep.join([SLURM_TOOLS, os.getenv("PATH", os.defpath)])}

from filterbench.data.registry import data_file, listing_digest
from filterbench.running.devices import count_gpus
from filterbench.documents import SCHEMAS
from filterbench.storage.errors import InputError
from filterbench.storage.files import files_digest
from filterbench.running.code import rule_digest
from filterbench.stages.validate import documents_in
from filterbench.models.registry import MODELS
from filterbench.pruners.registry import PRUNERS, SEARCHED
from filterbench.study.config import budgets, cells, check_config, sparsities, training_settings
from filterbench.study.config import pruner_arguments as arguments_on
from filterbench.documents.targets import BUDGETS, SPARSITY, parse_target

STUDY_FILE = ", ".join(map(str, workflow.overwrite_configfiles)) or "config.yaml"

try:
    check_config(config, STUDY_FILE)
except InputError as reason:
    sys.exit(f"error: {reason}")

ENVIRONMENT = "../../envs/pruning.yaml"
STUDY = config["study"]
# The same cells under the other protocol, by study name: on request, for the optimism gap.
TWIN_PROTOCOL = {"validation": "test", "test": "validation"}[config["protocol"]]
PROTOCOLS = {STUDY: config["protocol"], f"{STUDY}-{TWIN_PROTOCOL}": TWIN_PROTOCOL}
FOLDER = config["dataset"].get("folder")
IMAGES = data_file(config["dataset"]["name"], FOLDER)
MODEL_FOLDER = "results/{study}/{model}"
BASELINE = f"{MODEL_FOLDER}/seed-{{seed}}/baseline"
TRAJECTORY = f"{MODEL_FOLDER}/seed-{{seed}}/{{pruner}}"
# The last part of a cell's path is its target: a sparsity, or a budget such as flops-0.5.
CELL = f"{MODEL_FOLDER}/seed-{{seed}}/{{pruner}}/{{target}}"

PUBLISHED_FILES = sorted((Path(workflow.basedir) / "workflow/resources").glob("published*.csv"))
with PUBLISHED_FILES[0].open(newline="") as file:
    PUBLISHED = list(csv.DictReader(file))
PUBLISHED_MODELS = list(dict.fromkeys(row["model"] for row in PUBLISHED))
PUBLISHED_PRUNERS = list(dict.fromkeys(row["pruner"] for row in PUBLISHED))
# Whether accuracies compare with the published ones.
COMPARABLE = config["dataset"]["name"] == "cifar10" and set(config["models"]) <= set(PUBLISHED_MODELS)

# A user's own NNI results: the models that the folder holds.
NNI_RESULTS = config.get("nni_results") or ""
IMPORTED_MODELS = [
    model
    for model in MODELS
    if NNI_RESULTS and any((Path(NNI_RESULTS) / name).exists() for name in (model, f"{model}.json"))
]
IMPORTED_TABLES = expand("results/imported/{model}/comparison.csv", model=IMPORTED_MODELS)

STUDY_CELLS = cells(config)


def folders_of(study):
    """The folders of all cells, as the study or its twin has them."""
    return [
        CELL.format(study=study, model=c.model, seed=c.seed, pruner=c.pruner, target=c.target)
        for c in STUDY_CELLS
    ]


CELLS = folders_of(STUDY)
BASELINES = expand(f"{BASELINE}/baseline.json", study=STUDY, model=config["models"], seed=config["seeds"])
COMPARISONS = expand(
    f"{MODEL_FOLDER}/comparison.{{kind}}", study=STUDY, model=config["models"], kind=["json", "csv"]
)
TABLES = [path for path in COMPARISONS if path.endswith(".csv")]
# Budgets at which every compact shape is trained from scratch too.
SCRATCH = config.get("scratch", [])
# Whether the unpruned nets are fine-tuned too.
UNPRUNED = config.get("finetune_unpruned", False)
SEARCHES = any(PRUNERS[name].searches for name in config["pruners"])
FIGURES = expand(
    "figures/{figure}_{model}.{kind}",
    figure=[
        "performance_comparison",
        *(["layer_sparsities", "search_scores"] if SEARCHES else []),
        *(["accuracy_against_latency"] if "latency" in config.get("budgets", {}) else []),
    ],
    model=config["models"],
    kind=["png", "svg"],
)
# How to measure time; the study may leave out what is as here.
LATENCY = {"batch": 64, "runs": 50, "warm_up": 10, "threads": 1} | config.get("latency", {})


def code_of(stage):
    """Digest of the code that a job of a stage runs: of its own model and pruner or, where it takes all, of those
    of the study and the published one."""

    def digest(wildcards):
        return rule_digest(
            stage,
            dataset=config["dataset"]["name"],
            model=wildcards.get("model", tuple(config["models"])),
            pruner=wildcards.get("pruner", (*config["pruners"], *PUBLISHED_PRUNERS)),
        )

    return digest


# GPU jobs that run at once on this machine: as many as it has GPUs. A cluster's profile says its own number.
if workflow.is_main_process and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", count_gpus())


def gpus(wildcards):
    """GPUs of a job that computes with nets."""
    limit = workflow.global_resources["gpu"].value if workflow.is_main_process else 1
    return 0 if config["device"] == "cpu" else min(1, limit)


def whole_machine(wildcards):
    """All cores, so that no other job disturbs a measurement here. On a cluster the profile asks for a
    node without other jobs, and the cores are those that compute."""
    return workflow.cores if workflow.is_main_process and workflow.local_exec else LATENCY["threads"]


def gigabytes(first):
    """Memory of a job; more each time that it is tried again."""
    return lambda wildcards, attempt: 1000 * first * attempt


def minutes(first):
    """Run time of a job; more each time that it is tried again."""
    return lambda wildcards, attempt: first * attempt


def prune_minutes(wildcards, attempt):
    """Run time of a pruner: a search takes hours on full-width nets."""
    return (720 if PRUNERS[wildcards.pruner].searches else 60) * attempt


def prune_group(wildcards):
    """A cell's stages share one allocation, but a long search has its own: a fault after it, which
    makes Snakemake remove what its allocation made, must not cost the search."""
    entry = PRUNERS[wildcards.pruner]
    searches = entry.searches and not entry.trajectory
    # A matched control waits for another cell, whose stages must not join its own.
    return None if searches or entry.matched else "cell"


def any_of(names):
    """A wildcard constraint that allows just these names."""
    return "|".join(re.escape(str(name)) for name in names)


wildcard_constraints:
    study=any_of(PROTOCOLS),
    model=any_of(config["models"]),
    seed=any_of(config["seeds"]),
    pruner=any_of(config["pruners"]),
    target=any_of(sorted({c.target for c in STUDY_CELLS})),


# Params of the computing rules. A rule takes only the settings that it uses, so that a changed
# setting reruns just the cells that it touches.
LIMITS = {name: config["dataset"].get(f"{name}_images") for name in ("train", "validation", "test")}


def folder_content(wildcards):
    """Digest of the listing of a user's own images, so that a changed folder is read anew."""
    return listing_digest(config["dataset"]["name"], FOLDER)


def baseline_cell(wildcards):
    """Which baseline a job makes, as documents record it; a job for all seeds takes the first."""
    return {
        "study": wildcards.study,
        "dataset": config["dataset"]["name"],
        "protocol": PROTOCOLS[wildcards.study],
        "model": wildcards.model,
        "width": config["models"][wildcards.model]["width"],
        "seed": int(wildcards.get("seed", config["seeds"][0])),
    }


def cell(wildcards):
    """Which cell a job makes, as documents record it."""
    return {
        **baseline_cell(wildcards),
        "pruner": wildcards.pruner,
        **parse_target(wildcards.target).document(),
    }


def pruner_arguments(wildcards):
    """All arguments of a cell's pruner."""
    return arguments_on(config, wildcards.pruner, wildcards.model)


def search_settings(wildcards):
    """How a cell's pruner judges and trains candidates; empty where it does not search."""
    return config["search"] if PRUNERS[wildcards.pruner].searches else {}


def trajectory_of(wildcards):
    """The trajectory that a cell's pruner takes its net from, if it goes one."""
    if not PRUNERS[wildcards.pruner].trajectory:
        return {}
    kind = parse_target(wildcards.target).kind
    folder = TRAJECTORY if kind == SPARSITY else f"{TRAJECTORY}/{kind}"
    return {
        "trajectory": f"{folder}/trajectory.json",
        "trajectory_steps": f"{folder}/trajectory.csv",
        "snapshots": f"{folder}/trajectory.safetensors",
    }


def searched_cell(wildcards):
    """The documents of the searched cell that a control is compared with, if its pruner is such a control."""
    folder = f"{MODEL_FOLDER}/seed-{{seed}}/{SEARCHED}/{{target}}"
    kinds = {kind for kind, *_ in PRUNERS[wildcards.pruner].matched.values()}
    return {f"searched_{kind}": f"{folder}/{kind}.json" for kind in sorted(kinds)}


def latency_table_of(wildcards):
    """The latency table of a job with budgets of latency."""
    kind = wildcards.get("kind") or parse_target(wildcards.target).kind
    return {"latency_table": f"{MODEL_FOLDER}/latency_table.json"} if kind == "latency" else {}


def cells_of(model, study=STUDY):
    """The cell folders of a model."""
    start = MODEL_FOLDER.format(study=study, model=model) + "/"
    return [folder for folder in folders_of(study) if folder.startswith(start)]


def model_cells(wildcards):
    """The cell folders of a job's model."""
    return cells_of(wildcards.model, wildcards.get("study", STUDY))


def made_of_cells(*names):
    """Documents with these names that the cells have by now."""
    return [path for cell in CELLS for name in names if (path := Path(cell) / name).exists()]


def first_seed_cells(wildcards):
    """The cell folders of a model and the study's first seed."""
    return [folder for folder in model_cells(wildcards) if f"/seed-{config['seeds'][0]}/" in folder]


def documents_digest(wildcards):
    """Digest of the study's documents as they are now, so that a changed or added one is checked anew."""
    return files_digest(documents_in(Path("results") / STUDY))
