"""Rule `cost`: what a study will take, before any of it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

import pandas as pd
import torch
from torch import nn

from filterbench.data.loading import Splits, load_splits
from filterbench.models.registry import build_model
from filterbench.running.environment import choose_device
from filterbench.running.job import Job
from filterbench.study.expected import ModelWork, Work, shapes_of
from filterbench.study.plan import Plan
from filterbench.training.loop import train_step
from filterbench.training.sgd import SGD

logger = logging.getLogger(__name__)

BATCH = 64
STEPS = 3
# What a job takes beside its images: it begins, builds nets, reads and writes files, slices and counts.
SECONDS_A_JOB = 1.5


def cost(job: Job) -> None:
    """Log a table of jobs, images, hours and disk by stage and pruner, for this machine."""
    plan = Plan(job.params["config"])
    splits = load_splits(
        job.inputs["images"], plan.config["protocol"], plan.limits, choose_device(job.params["device"])
    )
    images = {name: len(getattr(splits, name)) for name in ("train", "selection", "test")}
    shapes = shapes_of(plan.config, splits.classes)
    works = [work for name in shapes for work in ModelWork(plan.config, images, name, shapes[name]).jobs()]
    speeds = {name: _seconds_an_image(name, settings["width"], splits) for name, settings in _models(plan)}
    table = cost_table(works, speeds)
    logger.info("\n%s", table.to_string(float_format=lambda value: f"{value:.2f}"))
    hours, cores = table["hours"].sum(), job.params["cores"]
    logger.info(
        "%d cells, %d jobs with nets, %.2f GB of weights; about %.2f hours of one core on this machine, "
        "%.2f with all %d (searches take at least as many candidates as this says)",
        len(plan.cells),
        table["jobs"].sum(),
        table["GB"].sum(),
        hours,
        hours / cores,
        cores,
    )


def cost_table(works: Iterable[Work], speeds: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """One row for each stage and pruner: jobs, images trained and evaluated, hours, GB.

    Args:
        works: of the study.
        speeds: by model, seconds of the unpruned net for an image of training and of evaluation.
    """
    rows = []
    for work in works:
        training, evaluation = speeds[work.model]
        with_nets = work.share * (work.trained * training + work.evaluated * evaluation)
        rows.append(
            {
                "stage": work.stage,
                "pruner": work.pruner,
                "jobs": work.jobs,
                "images trained": work.trained,
                "images evaluated": work.evaluated,
                "hours": (with_nets + work.jobs * SECONDS_A_JOB) / 3600,
                "GB": work.bytes / 1e9,
            }
        )
    return pd.DataFrame(rows).groupby(["stage", "pruner"], sort=False).sum()


def _models(plan: Plan) -> Iterable[tuple[str, dict]]:
    return plan.config["models"].items()


def _seconds_an_image(model: str, width: float, splits: Splits) -> tuple[float, float]:
    """Seconds that the unpruned net takes to train on an image, and to judge one, on this machine."""
    torch.set_num_threads(1)
    labels = splits.train.labels[:BATCH]
    batch = splits.train.first(BATCH)
    net = build_model(model, width, splits.classes).to(batch.device).to(memory_format=torch.channels_last)
    optimizer = SGD(net.parameters(), lr=0.01, momentum=0.9)
    training = _timed(lambda: train_step(net.train(), batch, labels, optimizer)) / len(batch)
    return training, _timed(lambda: _forward(net, batch)) / len(batch)


@torch.no_grad()
def _forward(net: nn.Module, batch: torch.Tensor) -> None:
    net.eval()(batch)


def _timed(action: Callable[[], object]) -> float:
    """Seconds of a call, the mean of a few after one that warms up."""
    action()
    started = time.perf_counter()
    for _ in range(STEPS):
        action()
    return (time.perf_counter() - started) / STEPS
