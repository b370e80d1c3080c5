"""The workflow as a module of another one."""

import shutil
from pathlib import Path

import pytest
from checkout import REPOSITORY, Checkout, job_stats

# One cell of the smoke study.
IMPORTER = """
OWN = {{
    "extends": "{root}/studies/smoke.yaml",
    "study": "smoke",
    "models": {{"resnet18": None}},
    "finetune_unpruned": False,
    "pruners": {{
        f"{{name}}Pruner": None
        for name in ("L2Filter", "FPGM", "NetAdapt", "SimulatedAnnealing", "AutoCompress")
    }},
}}

module filterbench:
    snakefile: "{snakefile}"
    config: OWN
    prefix: "pruning/"

use rule * from filterbench as fb_*

rule report_of_mine:
    input: "pruning/results/smoke/verdicts.json", "pruning/figures/performance_comparison_vgg16.png"
    output: "mine.txt"
    shell: "wc -c {{input}} > {{output}}"
"""

SEED = "results/smoke/vgg16/seed-0"
CELL = f"{SEED}/L1FilterPruner/0.5"


def importer(folder: Path, snakefile: str = "Snakefile") -> Checkout:
    """A workflow of its own that imports a Snakefile of this one."""
    folder.mkdir()
    text = IMPORTER.format(root=REPOSITORY, snakefile=REPOSITORY / snakefile)
    (folder / "Snakefile").write_text(text)
    return Checkout(folder)


def test_another_workflow_uses_this_one_below_its_own_prefix(finished, tmp_path):
    folder = tmp_path / "other"
    other = importer(folder)
    # Without a warm parent, which only a workflow of its own starts, each job loads torch: most are done.
    for part in ("data", f"{SEED}/baseline", CELL):
        shutil.copytree(finished.folder / part, folder / "pruning" / part)
    for kind in ("finetune", "result"):
        for path in (folder / "pruning" / CELL).glob(f"{kind}.*"):
            path.unlink()
    run = other.snakemake("mine.txt", study="")
    assert run.returncode == 0, run.stdout
    assert job_stats(run.stdout)["fb_finetune"] == 1
    assert "fb_prune" not in job_stats(run.stdout)
    assert (folder / "mine.txt").read_text().count("pruning/") == 2
    assert (folder / "pruning/results/smoke/vgg16/comparison.csv").exists()
    reproduction = "pruning/results/smoke/reproduction.json"
    run = other.snakemake(reproduction, study="")
    assert run.returncode == 0, run.stdout
    assert other.planned("mine.txt", reproduction, study="") == {}
    count = folder / "pruning" / CELL / "count.json"
    count.write_text(count.read_text() + "\n")
    assert other.planned(reproduction, study="") == {"fb_reproduction": 1}


def test_both_snakefiles_plan_the_same_jobs(tmp_path):
    checkout = Checkout.fresh(tmp_path)
    root = checkout.planned()
    assert root["all"] == 1
    assert checkout.planned("--snakefile", "workflow/Snakefile") == root


def test_both_snakefiles_plan_the_same_jobs_as_modules(tmp_path):
    root, inner = (
        importer(tmp_path / str(number), snakefile).planned("mine.txt", study="")
        for number, snakefile in enumerate(("Snakefile", "workflow/Snakefile"))
    )
    assert root["fb_finetune"] == 1
    assert inner == root


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_snakemakes_linter_has_nothing_to_say(snakefile, tmp_path):
    run = Checkout.fresh(tmp_path).snakemake("--snakefile", snakefile, "--lint", study="")
    assert run.returncode == 0, run.stdout
    assert "Congratulations" in run.stdout


def test_a_mistake_in_a_modules_config_is_one_line(tmp_path):
    (tmp_path / "Snakefile").write_text(
        IMPORTER.format(root=REPOSITORY, snakefile=REPOSITORY / "Snakefile").replace(
            '"study": "smoke"', '"study": "Mine"'
        )
    )
    run = Checkout(tmp_path).snakemake("--dry-run", study="")
    assert run.returncode == 1
    assert "error: the config of the module: study: 'Mine' does not match" in run.stdout
