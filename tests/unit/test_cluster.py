"""What is submitted to SLURM: a measurement of time asks for a node without other jobs."""

import os
import subprocess
from pathlib import Path
from pkgutil import iter_modules, resolve_name

import pytest
from checkout import REPOSITORY

import filterbench.stages as stages
from filterbench.making.computing import Stage

COMMANDS = REPOSITORY / "profiles/slurm/bin"
STAGES = {
    module.name: resolve_name(f"filterbench.stages.{module.name}:{module.name}")
    for module in iter_modules(stages.__path__)
}
COMPUTING = [name for name, stage in STAGES.items() if isinstance(stage, Stage)]


def submitted(folder: Path, rule: str, *more: str) -> list[str]:
    """What SLURM's own sbatch is given for a job of a rule."""
    for name, text in {"sbatch": 'printf "%s\\n" "$@"', "scontrol": "echo is UP"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    path = f"{COMMANDS}:{folder}:{os.environ['PATH']}"
    command = ["sbatch", "--parsable", "--comment", f"rule_{rule}_wildcards_smoke_vgg16", *more]
    run = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize("rule", COMPUTING)
def test_a_measurement_of_time_has_a_node_of_its_own_on_a_cluster(rule, tmp_path):
    given = submitted(tmp_path, rule, "--mem", "6000", "--wrap", "python -m snakemake 'a b'")
    asked = [] if STAGES[rule].shared else ["--exclusive"]
    words = ["--parsable", "--comment", f"rule_{rule}_wildcards_smoke_vgg16", "--mem", "6000"]
    assert given == [*asked, *words, "--wrap", "python -m snakemake 'a b'"]
    assert ("--exclusive" in submitted(tmp_path, f"bench_{rule}")) is bool(asked)
