"""Training with SGD, keeping the best epoch's weights."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from filterbench.data.loading import Images, Splits
from filterbench.errors import InputError
from filterbench.training.augmentation import flip_and_shift
from filterbench.training.evaluation import Score, evaluate
from filterbench.training.precision import mixed_precision

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; `workflow/schemas/config.schema.json` says what each setting means."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    schedule: str
    augment: bool


@dataclass(frozen=True)
class TrainingRecord:
    """What a training did.

    Attributes:
        settings: as asked.
        best_epoch: the epoch whose weights were kept, counted from 1; 0 where nothing was trained.
        epochs: one entry an epoch: epoch, learning_rate, loss, selection_accuracy, selection_loss.
    """

    settings: TrainingSettings
    best_epoch: int
    epochs: list[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """The record as documents hold it."""
        return asdict(self)


def train(model: nn.Module, splits: Splits, settings: TrainingSettings, seed: int) -> TrainingRecord:
    """Train a net in place and leave it with the weights of its best epoch.

    The best epoch has the highest accuracy on the selection split; among equals the lowest loss.

    Args:
        model: the net, on the device of the images.
        splits: the study's images; the test split is not looked at, unless it is the selection split.
        settings: how to train.
        seed: of the order of the images and of the augmentation.

    Raises:
        InputError: the loss became infinite or no number.
    """
    generator = torch.Generator().manual_seed(seed)
    steps = max(1, len(splits.train) // settings.batch_size)
    optimizer = SGD(
        model.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    scheduler = _scheduler(optimizer, settings, steps)
    epochs: list[dict[str, Any]] = []
    best: tuple[tuple[float, float], int, dict] | None = None
    for epoch in range(1, settings.epochs + 1):
        started = time.perf_counter()
        learning_rate = scheduler.get_last_lr()[0]
        loss = _train_epoch(model, splits.train, settings, optimizer, scheduler, generator, steps)
        score = evaluate(model, splits.selection)
        _log_epoch(
            epoch, settings, loss, score, steps * settings.batch_size / (time.perf_counter() - started)
        )
        epochs.append(
            {
                "epoch": epoch,
                "learning_rate": learning_rate,
                "loss": loss,
                "selection_accuracy": score.accuracy,
                "selection_loss": score.loss,
            }
        )
        merit = (score.accuracy, -score.loss)
        if best is None or merit > best[0]:
            best = merit, epoch, {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if best is not None:
        model.load_state_dict(best[2])
    return TrainingRecord(settings, best[1] if best else 0, epochs)


def _scheduler(optimizer: SGD, settings: TrainingSettings, steps: int) -> LRScheduler:
    """The learning rate by step."""
    if settings.schedule == "one-cycle":
        total = max(1, steps * settings.epochs)
        return OneCycleLR(optimizer, settings.learning_rate, total_steps=total, cycle_momentum=False)
    milestones = [int(settings.epochs * share) * steps for share in (0.5, 0.75)]
    return MultiStepLR(optimizer, milestones, gamma=0.1)


def _train_epoch(
    model: nn.Module,
    images: Images,
    settings: TrainingSettings,
    optimizer: SGD,
    scheduler: LRScheduler,
    generator: torch.Generator,
    steps: int,
) -> float:
    """One pass over the images in random order, without the last incomplete batch; the mean loss."""
    model.train()
    order = torch.randperm(len(images), generator=generator).to(images.labels.device)
    losses = torch.zeros((), device=images.labels.device)
    for chosen in order.split(settings.batch_size)[:steps]:
        pixels = images.pixels[chosen]
        if settings.augment:
            pixels = flip_and_shift(pixels, generator)
        batch = images.normalised(pixels)
        with mixed_precision(batch.device):
            loss = cross_entropy(model(batch), images.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses += loss.detach()
    mean = losses.item() / steps
    if not math.isfinite(mean):
        raise InputError(
            f"the training diverged (loss {mean}); lower learning_rate, now {settings.learning_rate}"
        )
    return mean


def _log_epoch(epoch: int, settings: TrainingSettings, loss: float, score: Score, speed: float) -> None:
    logger.info(
        "epoch %d/%d: loss %.4f, selection accuracy %.2f %%, %.0f images/s",
        epoch,
        settings.epochs,
        loss,
        100 * score.accuracy,
        speed,
    )
