"""What Snakemake takes for 915 cells before any job: a dry run, and the check that all of it is made."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from checkout import Checkout

STUDY = ["--configfile", "studies/cifar10.yaml", "--config", "seeds=[0,1,2,3,4]", "--"]
REPEATS = 5


def snakemake(folder: Path, *options: str) -> str:
    """What a run of Snakemake prints."""
    command = ["snakemake", "--cores", "2", *options, *STUDY]
    return subprocess.run(command, cwd=folder, text=True, check=True, capture_output=True).stdout


def timed(folder: Path, *options: str) -> float:
    """Median of the wall seconds."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        snakemake(folder, *options)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def pretend_made(folder: Path) -> None:
    """Make every output an empty file that Snakemake takes for up to date."""
    # After the header a line for each file, its path first.
    for line in snakemake(folder, "--summary").splitlines()[1:]:
        path = folder / line.split("\t")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    snakemake(folder, "--touch", "--quiet", "all")


def main() -> None:
    """Print both medians."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Checkout.fresh(Path(parent)).folder
        print(f"dry run of all jobs: {timed(folder, '--dry-run', '--quiet', 'all'):.1f} s", flush=True)
        pretend_made(folder)
        print(f"check that nothing is to be done: {timed(folder, '--dry-run', '--quiet', 'all'):.1f} s")


if __name__ == "__main__":
    main()
