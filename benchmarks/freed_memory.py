"""A cell's evaluations and training, with the memory that is freed kept and given back, in processes in turn.

Random images stand for those of `studies/decomposition.yaml`: 2,000 to train, 500 to choose, 10,000 to test.
A pair of processes ends with the same weights. `benchmarks/README.md` says how to run it.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import statistics
import subprocess
import sys
import time

import torch

from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.data.loading import Images, Splits
from filterbench.jobs.processes import keep_freed_memory
from filterbench.models.registry import build_model
from filterbench.pruners.uniform import uniform_masks
from filterbench.training.evaluation import evaluate
from filterbench.training.loop import TrainingSettings, train

SPARSITY = 0.7
SETTINGS = TrainingSettings(
    epochs=2,
    batch_size=64,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=0.0005,
    schedule="one-cycle",
    augment=False,
)
WAYS = ("given back", "kept")


def images(count: int) -> Images:
    """Noise of Fashion-MNIST's shape at 32 pixels."""
    half = torch.full((1, 1, 1, 1), 0.5)
    pixels = torch.randint(0, 256, (count, 1, 32, 32), dtype=torch.uint8)
    return Images(pixels, torch.randint(0, 10, (count,)), half, half)


def cell(model: str, width: float, way: str) -> None:
    """Test the whole net and the compact one, train that and test it; print what it took in this process."""
    torch.set_num_threads(1)
    if way == "kept":
        keep_freed_memory()
    torch.manual_seed(0)
    splits = Splits(images(2_000), images(500), images(10_000), [str(label) for label in range(10)])
    whole = build_model(model, width).to(memory_format=torch.channels_last).eval()
    masks = uniform_masks(whole, SPARSITY)
    compact = slice_channels(whole, kept_indices(whole, masks)).to(memory_format=torch.channels_last)
    started = time.process_time()
    evaluate(whole, splits.test)
    evaluate(compact, splits.test)
    tested = time.process_time()
    train(compact, splits, SETTINGS, seed=0)
    trained = time.process_time()
    evaluate(compact, splits.test)
    ended = time.process_time()
    weights = b"".join(tensor.numpy().tobytes() for tensor in compact.state_dict().values())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        trained - tested,
        ended - started,
        usage.ru_minflt,
        usage.ru_maxrss,
        hashlib.sha256(weights).hexdigest(),
    )


def compare(model: str, width: float, repeats: int) -> None:
    """Print medians of processes of both ways, in turn."""
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    digests = set()
    for _ in range(repeats):
        for way in WAYS:
            command = [sys.executable, __file__, "--cell", model, str(width), way]
            *numbers, digest = subprocess.check_output(command, text=True).split()
            found[way].append(list(map(float, numbers)))
            digests.add(digest)
    print(f"{model}, width {width:g}; the weights are {'the same' if len(digests) == 1 else 'NOT the same'}")
    for way, runs in found.items():
        training, total, faults, memory = map(statistics.median, zip(*runs, strict=True))
        print(
            f"{way:>12}: {total:.1f} CPU s, of which training {training:.1f}; "
            f"{faults:,.0f} page faults; at most {memory / 1024:,.0f} MB",
            flush=True,
        )


def main() -> None:
    """Compare both ways for each net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["vgg16", "resnet18", "mobilenetv2"])
    parser.add_argument("--widths", type=float, nargs="+", default=[0.125])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cell", nargs=3, metavar=("MODEL", "WIDTH", "WAY"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.cell:
        model, width, way = asked.cell
        cell(model, float(width), way)
        return
    for model in asked.models:
        for width in asked.widths:
            compare(model, width, asked.repeats)


if __name__ == "__main__":
    main()
