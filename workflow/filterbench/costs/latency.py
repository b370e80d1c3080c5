"""How long a net takes for a batch of images on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Measurement, Timer

from filterbench.data.loading import Images
from filterbench.documents.measurements import Timing
from filterbench.storage.errors import InputError

RUNS = 50
WARM_UP = 10


def measure_latencies(
    models: Sequence[nn.Module], images: Tensor, runs: int = RUNS, warm_up: int = WARM_UP
) -> list[Timing]:
    """Time several nets in turns, so that other work on the machine disturbs all of them alike.

    torch's timer waits for the GPU. It runs a net twice before each timed pass, so that no net pays for the
    caches that another one filled.

    Args:
        models: nets in evaluation mode on one device.
        images: the input of each, (batch, channels, height, width), on that device.
        runs: timed forward passes of each net, from 1.
        warm_up: forward passes of each net before the first timed one, from 0.

    Returns:
        By net, the median and the interquartile range of its forward passes, in milliseconds.
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
    return [_timing(passes) for passes in zip(*rounds, strict=True)]


def timed_batches(images: Images, size: int) -> dict[str, Tensor]:
    """What a cell's nets are timed on: the first test image, and the first batch of test images.

    Args:
        images: the study's test images.
        size: of the batch.

    Raises:
        InputError: the batch is larger than the test split.
    """
    if size > len(images):
        raise InputError(f"latency.batch: {size} is more than the study's {len(images)} test images")
    return {"single": images.first(1), "batch": images.first(size)}


def time_nets(
    nets: Mapping[str, nn.Module], batches: Mapping[str, Tensor], settings: Mapping[str, int]
) -> dict[str, dict[str, Timing]]:
    """Latencies by batch and net, as documents record them; the nets of a batch are timed in turns.

    Args:
        nets: by name, in evaluation mode on one device.
        batches: by name, on that device.
        settings: `runs` and `warm_up` of `measure_latencies`.
    """
    timings: dict[str, dict[str, Timing]] = {}
    for batch, images in batches.items():
        found = measure_latencies(list(nets.values()), images, settings["runs"], settings["warm_up"])
        timings[batch] = dict(zip(nets, found, strict=True))
    return timings


def _timing(passes: Iterable[Measurement]) -> Timing:
    (merged,) = Measurement.merge(passes)
    return {"median": 1000 * merged.median, "interquartile_range": 1000 * merged.iqr}
