"""What a cell costs on SLURM beyond its own work, by how its stages become jobs; root on Debian."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from checkout import Checkout
from cluster import PrivateCluster

PRUNERS = ("L1FilterPruner", "L2FilterPruner", "FPGMPruner")
CELLS = [f"results/smoke/vgg16/seed-0/{pruner}/0.5/finetune.json" for pruner in PRUNERS]
CELLS = [*CELLS, "results/smoke/resnet18/seed-0/L1FilterPruner/0.5/finetune.json"]
STAGES = ("prune", "speedup", "count", "finetune")
TARGETS = [*CELLS, *(cell.replace("finetune", "count") for cell in CELLS)]
SLURM = ("--profile", "slurm")
ONE_JOB_A_STAGE = ("--groups", *(f"{stage}={stage}" for stage in STAGES))
WAYS = {
    "local": ("--cores", "2"),
    "a job a stage": (*SLURM, *ONE_JOB_A_STAGE),
    "a job a cell": SLURM,
    "a job for two cells": (*SLURM, "--group-components", "cell=2"),
}


def main() -> None:
    """Print the wall time of four cells in each way, and what each costs beyond the local run."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as state:
        prepared = Checkout.fresh(Path(folder))
        run = prepared.snakemake("baselines")
        assert run.returncode == 0, run.stdout
        with PrivateCluster(Path(state)):
            local = None
            for name, options in WAYS.items():
                seconds = timed(prepared, options)
                local = local or seconds
                print(
                    f"{name:>20}: {seconds:6.1f} s, {(seconds - local) / len(CELLS):5.1f} s a cell more",
                    flush=True,
                )


def timed(prepared: Checkout, options: tuple[str, ...]) -> float:
    """Seconds of a run of all cells, from a copy that has the baselines."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(prepared.folder, folder, symlinks=True, dirs_exist_ok=True)
        command = ["snakemake", *TARGETS, *options, "--configfile", "studies/smoke.yaml"]
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
