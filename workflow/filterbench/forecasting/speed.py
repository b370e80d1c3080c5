"""The speed of this machine with the nets of a study."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from filterbench.data.loading import Splits
from filterbench.forecasting.expected import Work
from filterbench.models.registry import build_model
from filterbench.study.cells import Config
from filterbench.training.precision import AUTO
from filterbench.training.sgd import SGD
from filterbench.training.steps import CAPTURED_FROM, WARM_UP, TrainingSteps

BATCH = 32
STEPS = 5
# Seconds of a slow measurement, which stops before `STEPS`.
SLOW = 1.0
# Time of a job without its images: it starts, builds nets, reads and writes files, slices and counts.
SECONDS_A_JOB = 1.5


@dataclass(frozen=True)
class Speed:
    """Seconds per image of an unpruned net, on one thread."""

    training: float
    evaluation: float

    def seconds(self, work: Work) -> float:
        """Seconds of jobs that run one after another."""
        images = work.trained * self.training + work.evaluated * self.evaluation
        return work.share * images + work.jobs * SECONDS_A_JOB


def speeds(config: Config, splits: Splits) -> dict[str, Speed]:
    """The speed of every model of a study on its images, measured in a few steps."""
    torch.set_num_threads(1)
    precision = config.get("precision", AUTO)
    return {
        name: _speed(build_model(name, own["width"], splits.classes, splits.image_size), splits, precision)
        for name, own in config["models"].items()
    }


def _speed(net: nn.Module, splits: Splits, precision: str) -> Speed:
    labels = splits.train.labels[:BATCH]
    batch = splits.train.first(BATCH)
    net = net.to(batch.device).to(memory_format=torch.channels_last)
    optimizer = SGD(net.parameters(), lr=0.01, momentum=0.9)
    steps = TrainingSteps(net.train(), optimizer, CAPTURED_FROM, precision)
    # A GPU computes asynchronously, and captures a step first.
    warm_up, wait = (WARM_UP + 1, torch.cuda.synchronize) if labels.is_cuda else (1, lambda: None)
    training = _timed(lambda: steps.step(batch, labels), warm_up, wait)
    net.eval()
    with torch.no_grad():
        evaluation = _timed(lambda: net(batch), warm_up, wait)
    return Speed(training / len(batch), evaluation / len(batch))


def _timed(action: Callable[[], object], warm_up: int, wait: Callable[[], object]) -> float:
    """Mean seconds of up to `STEPS` calls, after `warm_up` calls; `wait` returns when all are computed."""
    for _ in range(warm_up):
        action()
    wait()
    started, steps = time.perf_counter(), 0
    while steps < STEPS and time.perf_counter() - started < SLOW:
        action()
        steps += 1
    wait()
    return (time.perf_counter() - started) / steps
