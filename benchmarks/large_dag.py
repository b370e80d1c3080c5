"""What a dry run takes against the number of jobs, to 50,000: processor time and memory, as a figure."""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import tempfile
from multiprocessing import get_context
from pathlib import Path

import matplotlib.pyplot as plt
from checkout import Checkout

# About 930 jobs a seed.
SEEDS = [1, 5, 20, 54]
STUDY = ["--configfile", "studies/cifar10.yaml"]
# One of its models, and a tenth of that.
MODEL = "results/cifar10/vgg16/comparison.csv"
BATCH = ["--batch", "compare=1/10"]
FIGURE = Path(__file__).with_name("large_dag.png")


def dry_run(folder: Path, seeds: int, target: str = "all", *options: str) -> tuple[int, float, float]:
    """Jobs, CPU seconds and MB of a dry run of a target of a study with so many seeds."""
    command = [
        "snakemake",
        "--dry-run",
        "--quiet",
        "rules",
        *STUDY,
        *options,
        "--config",
        f"seeds={[*range(seeds)]}",
        "--",
    ]
    output = subprocess.run([*command, target], cwd=folder, text=True, check=True, capture_output=True).stdout
    # The statistics are printed twice.
    (jobs,) = set(re.findall(r"^total\s+(\d+)$", output, re.MULTILINE))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int(jobs), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measured(*arguments: object) -> tuple[int, float, float]:
    """The same in a process of its own, whose children are this run's alone."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(dry_run, arguments)


def draw(rows: list[tuple[int, float, float]]) -> None:
    """Processor time and memory against jobs."""
    jobs, seconds, memory = zip(*rows, strict=True)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for axes, values, label in ((left, seconds, "CPU time (s)"), (right, memory, "memory (MB)")):
        axes.plot(jobs, values, "o-", color="#0072B2")
        axes.set(xlabel="jobs", ylabel=label, xlim=(0, None), ylim=(0, None))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    figure.savefig(FIGURE, dpi=120)


def main() -> None:
    """Print each run, and draw them."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Checkout.fresh(Path(parent)).folder
        rows = []
        for seeds in SEEDS:
            rows.append(measured(folder, seeds))
            print("{:,} jobs: {:.1f} CPU s, {:.0f} MB".format(*rows[-1]), flush=True)
        parts = {"one of its models": [], " ".join(["the same with", *BATCH]): BATCH}
        for name, options in parts.items():
            found = measured(folder, SEEDS[-1], MODEL, *options)
            print("{}: {:,} jobs, {:.1f} CPU s, {:.0f} MB".format(name, *found), flush=True)
        draw(rows)


if __name__ == "__main__":
    main()
