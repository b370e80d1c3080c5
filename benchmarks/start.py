"""How long a user waits for the default study's first finished cell, and a process for its imports."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from checkout import Checkout

RUNS = 3
DEMO = [
    *("snakemake", "--cores", "all", "--quiet", "progress", "rules", "reason", "host", "--"),
    "figures/performance_comparison_vgg16.png",
]
IMPORTS = {
    "torch": "import torch",
    "torch and NNI": "import nni.algorithms.compression.pytorch.pruning",
}


def first_cell() -> float:
    """Seconds from the start of `make demo`, after its installation, to the first `result.json`."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Checkout.fresh(Path(parent) / "clone").folder
        start = time.monotonic()
        run = subprocess.Popen(
            DEMO, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not any(folder.glob("results/default/*/*/*/*/result.json")):
            if run.poll() is not None:
                raise SystemExit(f"{' '.join(DEMO)}: ended without a finished cell")
            time.sleep(0.1)
        seconds = time.monotonic() - start
        os.killpg(run.pid, signal.SIGINT)
        run.wait()
        return seconds


def process(code: str) -> float:
    """Seconds of a Python process with this code."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - start


def main() -> None:
    """Print the medians, each with its runs."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    runs = {"make demo to its first finished cell": [first_cell() for _ in range(RUNS)]}
    for name, code in IMPORTS.items():
        runs[f"a process that imports {name}"] = [process(code) for _ in range(RUNS)]
    for name, seconds in runs.items():
        print(f"{name}: {median(seconds):.1f} s (" + ", ".join(f"{each:.1f}" for each in seconds) + ")")


if __name__ == "__main__":
    main()
