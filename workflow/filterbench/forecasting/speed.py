"""The speed of this machine with the nets of a study."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from filterbench.compaction.speedup import compact
from filterbench.costs.layer_costs import count_shapes
from filterbench.data.loading import Splits
from filterbench.forecasting.expected import Work
from filterbench.models.registry import build_model
from filterbench.pruners.uniform import uniform_masks
from filterbench.study.cells import Config
from filterbench.training.optimizers import SGD
from filterbench.training.precision import AUTO
from filterbench.training.steps import CAPTURED_FROM, WARM_UP, TrainingSteps

BATCH = 64
STEPS = 5
# Seconds of a slow measurement, which stops before `STEPS`.
SLOW = 1.0
# Time of a job without its images: it starts, builds nets, reads and writes files, slices and counts.
SECONDS_A_JOB = 1.5
# A narrow layer takes longer per FLOP, so a net without this share of its filters is timed as well.
PRUNED = 0.75


@dataclass(frozen=True)
class Pace:
    """Seconds per image, on one thread.

    Attributes:
        training: in a step of the training.
        evaluation: in a forward pass.
    """

    training: float
    evaluation: float


@dataclass(frozen=True)
class Speed:
    """The pace of an unpruned net, and of one that is pruned to a share of its FLOPs, 0..1."""

    whole: Pace
    pruned: Pace
    share: float

    def seconds(self, work: Work) -> float:
        """Seconds of jobs that run one after another; a pace is linear in the FLOPs, or the pruned net's."""
        part = max(0.0, (work.share - self.share) / (1 - self.share))
        training, evaluation = (
            small + part * (large - small)
            for small, large in (
                (self.pruned.training, self.whole.training),
                (self.pruned.evaluation, self.whole.evaluation),
            )
        )
        nets = work.trained * training + work.evaluated * evaluation
        return nets + work.taught * self.whole.evaluation + work.jobs * SECONDS_A_JOB


def speeds(config: Config, splits: Splits) -> dict[str, Speed]:
    """The speed of every model of a study on its images, measured in a few steps."""
    torch.set_num_threads(1)
    precision = config.get("precision", AUTO)
    return {
        name: _speed(build_model(name, own["width"], splits.classes, splits.image_size), splits, precision)
        for name, own in config["models"].items()
    }


def _speed(net: nn.Module, splits: Splits, precision: str) -> Speed:
    net.eval()
    pruned = compact(net, uniform_masks(net, PRUNED))
    share = count_shapes(pruned)["flops"] / count_shapes(net)["flops"]
    return Speed(_pace(net, splits, precision), _pace(pruned, splits, precision), share)


def _pace(net: nn.Module, splits: Splits, precision: str) -> Pace:
    labels = splits.train.labels[:BATCH]
    batch = splits.train.first(BATCH)
    net = net.to(batch.device).to(memory_format=torch.channels_last)
    optimizer = SGD(net.parameters(), lr=0.01, momentum=0.9)
    steps = TrainingSteps(net.train(), optimizer, CAPTURED_FROM, precision)
    timed = _timed_on_gpu if labels.is_cuda else _timed_on_cpu
    training = timed(lambda: steps.step(batch, labels))
    net.eval()
    with torch.no_grad():
        evaluation = timed(lambda: net(batch))
    return Pace(training / len(batch), evaluation / len(batch))


def _timed_on_cpu(action: Callable[[], object]) -> float:
    """Mean seconds of a call; what else runs on the machine takes none of them."""
    action()
    return _timed(action, time.process_time)


def _timed_on_gpu(action: Callable[[], object]) -> float:
    """Mean seconds of a call; a GPU computes asynchronously, and captures a step first."""
    for _ in range(WARM_UP + 1):
        action()

    def now() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return _timed(action, now)


def _timed(action: Callable[[], object], now: Callable[[], float]) -> float:
    """Mean seconds of up to `STEPS` calls."""
    started, steps = now(), 0
    while steps < STEPS and now() - started < SLOW:
        action()
        steps += 1
    return (now() - started) / steps
