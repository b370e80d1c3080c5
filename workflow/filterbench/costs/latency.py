"""How long a net takes for a batch of images on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Measurement, Timer

RUNS = 50
WARM_UP = 10


@dataclass(frozen=True)
class Latency:
    """Wall-clock time of one forward pass, over repeated runs.

    Attributes:
        median: milliseconds.
        interquartile_range: milliseconds between the first and the third quartile.
        runs: number of timed forward passes.
        batch: images of a forward pass.
        threads: CPU threads of torch.
        device: kind of device, such as `cpu` or `cuda`.
    """

    median: float
    interquartile_range: float
    runs: int
    batch: int
    threads: int
    device: str


def measure_latencies(
    models: Sequence[nn.Module], images: Tensor, runs: int = RUNS, warm_up: int = WARM_UP
) -> list[Latency]:
    """Time several nets in turns, so that whatever else the machine does disturbs all of them alike.

    torch's timer waits for the GPU, and runs a net twice before each timed pass, so that no net pays for
    the caches that another one filled.

    Args:
        models: nets in evaluation mode on one device.
        images: the input of each, (batch, channels, height, width), on that device.
        runs: timed forward passes of each net, from 1.
        warm_up: forward passes of each net before the first timed one, from 0.
    """
    threads = torch.get_num_threads()
    timers = [
        Timer("model(images)", globals={"model": model, "images": images}, num_threads=threads)
        for model in models
    ]
    with torch.inference_mode():
        for model in models:
            for _ in range(warm_up):
                model(images)
        rounds = [[timer.timeit(1) for timer in timers] for _ in range(runs)]
    return [_summary(list(passes), images) for passes in zip(*rounds, strict=True)]


def _summary(passes: list[Measurement], images: Tensor) -> Latency:
    (merged,) = Measurement.merge(passes)
    return Latency(
        median=1000 * merged.median,
        interquartile_range=1000 * merged.iqr,
        runs=len(passes),
        batch=len(images),
        threads=merged.num_threads,
        device=images.device.type,
    )
