"""Training on a GPU, step by step and replayed; benchmarks/README.md says how it is run."""

import argparse
import itertools
import math
import multiprocessing
import statistics
import time

import torch

from filterbench.data.loading import Images, Splits
from filterbench.making.environment import make_deterministic
from filterbench.models.registry import build_model
from filterbench.training import steps
from filterbench.training.loop import TrainingSettings, train

IMAGES = 12_800
SETTINGS = TrainingSettings(
    epochs=1,
    batch_size=64,
    learning_rate=0.01,
    momentum=0.9,
    weight_decay=0.0005,
    schedule="one-cycle",
    augment=True,
)
WAYS = {"step by step": math.inf, "replayed": 50}


def random_images(count: int) -> Images:
    """Noise of CIFAR-10's shape, on the GPU."""
    pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    half = torch.full((1, 3, 1, 1), 0.5, device="cuda")
    return Images(pixels.cuda(), torch.randint(0, 10, (count,)).cuda(), half, half)


def speed(model: str, width: float, way: str, repeats: int = 3) -> float:
    """Images a second of a training of one pass, the median."""
    make_deterministic(0, 1, torch.device("cuda"))
    steps.CAPTURED_FROM = WAYS[way]
    few = random_images(250)
    splits = Splits(random_images(IMAGES), few, few, names=[str(label) for label in range(10)])
    found = []
    for _ in range(repeats + 1):
        net = build_model(model, width).cuda().to(memory_format=torch.channels_last)
        torch.cuda.synchronize()
        started = time.perf_counter()
        train(net, splits, SETTINGS, seed=0)
        torch.cuda.synchronize()
        found.append(IMAGES / (time.perf_counter() - started))
    return statistics.median(found[1:])


def speeds(model: str, width: float, jobs: int) -> list[float]:
    """Images a second of so many processes together, by way."""
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        return [sum(pool.starmap(speed, [(model, width, way)] * jobs, chunksize=1)) for way in WAYS]


def main() -> None:
    """One line for each net and number of jobs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["vgg16", "resnet18", "resnet50"])
    parser.add_argument("--widths", type=float, nargs="+", default=[1.0, 0.25])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 4])
    asked = parser.parse_args()
    print(torch.cuda.get_device_name(), torch.__version__)
    for model, width, jobs in itertools.product(asked.models, asked.widths, asked.jobs):
        by_way = dict(zip(WAYS, speeds(model, width, jobs), strict=True))
        found = ", ".join(f"{way} {each:,.0f} images/s" for way, each in by_way.items())
        ratio = by_way["replayed"] / by_way["step by step"]
        print(f"{model}, width {width:g}, jobs {jobs}: {found}, ratio {ratio:.1f}", flush=True)


if __name__ == "__main__":
    main()
