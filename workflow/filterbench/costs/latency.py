"""How long a net takes for a batch of images on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Measurement, Timer

from filterbench.data.loading import Images
from filterbench.documents.measurements import Timing
from filterbench.storage.errors import InputError

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


def timed_batches(images: Images, size: int) -> dict[str, Tensor]:
    """What a cell's nets are timed on: the first test image, and the first batch of them.

    Args:
        images: the study's test images.
        size: of the batch.

    Raises:
        InputError: there are fewer images.
    """
    if size > len(images):
        raise InputError(f"latency.batch: {size} is more than the study's {len(images)} test images")
    return {"single": images.first(1), "batch": images.first(size)}


def time_nets(
    nets: Mapping[str, nn.Module], batches: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> dict[str, dict[str, Timing]]:
    """By batch and net, latencies as documents record them; all nets of a batch in turns.

    Args:
        nets: by name, in evaluation mode on one device.
        batches: by name, on that device.
        settings: `latency` of the study.
    """
    return {
        batch: {
            name: {"median": latency.median, "interquartile_range": latency.interquartile_range}
            for name, latency in zip(
                nets,
                measure_latencies(list(nets.values()), images, settings["runs"], settings["warm_up"]),
                strict=True,
            )
        }
        for batch, images in batches.items()
    }


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
