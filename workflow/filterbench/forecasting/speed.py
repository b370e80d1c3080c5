"""How fast this machine computes with the nets of a study."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from filterbench.data.loading import Splits
from filterbench.forecasting.expected import Work
from filterbench.models.registry import build_model
from filterbench.training.precision import AUTO
from filterbench.training.sgd import SGD
from filterbench.training.steps import CAPTURED_FROM, WARM_UP, TrainingSteps

BATCH = 32
STEPS = 5
# Seconds.
SLOW = 1.0
# What a job takes beside its images: it begins, builds nets, reads and writes files, slices and counts.
SECONDS_A_JOB = 1.5


@dataclass(frozen=True)
class Speed:
    """Seconds that an unpruned net takes for an image, on one thread.

    Attributes:
        training: to train on it.
        evaluation: to judge it.
    """

    training: float
    evaluation: float

    def seconds(self, work: Work) -> float:
        """What jobs take, one after another."""
        images = work.trained * self.training + work.evaluated * self.evaluation
        return work.share * images + work.jobs * SECONDS_A_JOB


def speeds(config: Mapping[str, Any], splits: Splits) -> dict[str, Speed]:
    """Measure every model of a study for some steps.

    Args:
        config: of the study.
        splits: its images.
    """
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
    # A GPU computes while Python goes on, and captures a step first.
    warm_up, wait = (WARM_UP + 1, torch.cuda.synchronize) if labels.is_cuda else (1, lambda: None)
    training = _timed(lambda: steps.step(batch, labels), warm_up, wait)
    evaluation = _timed(lambda: _forward(net, batch), warm_up, wait)
    return Speed(training / len(batch), evaluation / len(batch))


@torch.no_grad()
def _forward(net: nn.Module, batch: torch.Tensor) -> None:
    net.eval()(batch)


def _timed(action: Callable[[], object], warm_up: int, wait: Callable[[], object]) -> float:
    """Seconds of a call, the mean of a few after some that warm up; of one where a call is slow.

    Args:
        action: what is called.
        warm_up: calls beforehand.
        wait: returns when all that was called has been computed.
    """
    for _ in range(warm_up):
        action()
    wait()
    started, steps = time.perf_counter(), 0
    while steps < STEPS and time.perf_counter() - started < SLOW:
        action()
        steps += 1
    wait()
    return (time.perf_counter() - started) / steps
