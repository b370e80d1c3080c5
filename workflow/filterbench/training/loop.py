"""Training with SGD, keeping the best epoch's weights."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import torch
from torch import nn

from filterbench.data.augmentation import drawing_on
from filterbench.data.loading import Splits
from filterbench.documents.parts import Epoch, Training
from filterbench.domain.spending import whole_batches
from filterbench.storage.checkpoint import (
    Checkpoint,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    without_prefix,
)
from filterbench.storage.errors import InputError
from filterbench.storage.weights import Weights
from filterbench.training.evaluation import evaluate
from filterbench.training.losses import DistillationLoss, LabelLoss, Loss
from filterbench.training.optimizers import SGD
from filterbench.training.penalties import add_penalty, check_penalty, strength_in
from filterbench.training.precision import AUTO
from filterbench.training.recalibration import recalibrate
from filterbench.training.schedules import schedule_of, skip
from filterbench.training.steps import TrainingSteps

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; `schemas/config.schema.json` says what each setting means."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    schedule: str
    augment: bool
    nesterov: bool = False
    label_smoothing: float = 0.0
    precision: str = AUTO
    distillation: Mapping[str, float] | None = None
    schedule_epochs: int = 0
    recalibrate: int = 0
    penalty: str = ""
    strength: float = 0.0

    def document(self) -> dict[str, object]:
        """As documents record them: settings with a default are left out where they have it."""
        defaults = {each.name: each.default for each in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != defaults[name]}


@dataclass(frozen=True)
class TrainingRecord:
    """The outcome of a training.

    Attributes:
        settings: of the training.
        best_epoch: the epoch whose weights were kept, counted from 1; 0 where nothing was trained.
        epochs: one entry per epoch.
    """

    settings: TrainingSettings
    best_epoch: int
    epochs: list[Epoch]

    @property
    def best_accuracy(self) -> float:
        """Selection accuracy of the best epoch, 0 to 1; 0 where nothing was trained."""
        return self.epochs[self.best_epoch - 1]["selection_accuracy"] if self.epochs else 0.0

    def document(self) -> Training:
        """The record as documents hold it."""
        return {"settings": self.settings.document(), "best_epoch": self.best_epoch, "epochs": self.epochs}


def train(
    model: nn.Module,
    splits: Splits,
    settings: TrainingSettings,
    seed: int,
    checkpoint: Checkpoint | None = None,
    teacher: nn.Module | None = None,
) -> TrainingRecord:
    """Train a net in place and leave it with the weights of its best epoch.

    The best epoch has the highest accuracy on the selection split; among equals the lowest loss. With a
    penalty it is the last one: an earlier one can be more accurate because the penalty has done less.
    Settings that recalibrate have no epochs: only the statistics of BatchNorm change.

    Args:
        model: the net, on the device of the images.
        splits: the study's images; the test split is not used, unless it is the selection split.
        settings: how to train.
        seed: of the order of the images and of the augmentation.
        checkpoint: from which an interrupted training resumes, with the same outcome to the last bit.
        teacher: the net to distil from, in evaluation mode and on the device of the images; None trains
            without distillation.

    Raises:
        InputError: the loss became infinite or not a number, the net lacks what the penalty is on, or there
            is no BatchNorm to recalibrate.
    """
    if settings.penalty:
        check_penalty(model, settings.penalty)
    training = _Training(model, splits, settings, seed, _loss(settings, teacher))
    if checkpoint and (saved := checkpoint.load()):
        tensors, record = saved
        training.restore(tensors, **record)
    while len(training.epochs) < settings.epochs:
        training.run_epoch()
        if checkpoint and checkpoint.due():
            checkpoint.save(training.tensors(), training.record())
    if training.best:
        model.load_state_dict(training.best)
    if settings.recalibrate:
        recalibrate(model, splits.train, settings.recalibrate, settings.batch_size, seed)
    return TrainingRecord(settings, training.best_epoch, training.epochs)


class _Training:
    """A training between two epochs."""

    def __init__(
        self, model: nn.Module, splits: Splits, settings: TrainingSettings, seed: int, loss: Loss
    ) -> None:
        self._model, self._splits, self._settings = model, splits, settings
        self._seed = seed
        self._generator = torch.Generator().manual_seed(seed)
        self._augmentation = drawing_on(splits.train.labels.device, self._generator)
        self._batch, self._steps = whole_batches(len(splits.train), settings.batch_size)
        self._optimizer = SGD(
            model.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            nesterov=settings.nesterov,
        )
        scheduled = settings.schedule_epochs or settings.epochs
        self._schedule = schedule_of(self._optimizer, settings.schedule, scheduled, self._steps)
        # A rewound schedule begins before this training.
        skip(self._schedule, (scheduled - settings.epochs) * self._steps)
        total = settings.epochs * self._steps
        self._training_steps = TrainingSteps(
            model,
            self._optimizer,
            total,
            settings.precision,
            loss,
            self._add_penalty if settings.penalty else None,
        )
        self.epochs: list[Epoch] = []
        self.best: Weights = {}
        self.best_epoch = 0

    def run_epoch(self) -> None:
        """Train for one epoch, evaluate, and keep the weights if they are the best so far."""
        started = time.perf_counter()
        learning_rate = float(self._schedule.get_last_lr()[0])
        loss = self._pass_over_images()
        score = evaluate(self._model, self._splits.selection)
        # The losses of the steps are those before them: the last step's effect shows only here.
        self._must_be_finite(score.loss)
        self.epochs.append(
            {
                "epoch": len(self.epochs) + 1,
                "learning_rate": learning_rate,
                "loss": loss,
                "selection_accuracy": score.accuracy,
                "selection_loss": score.loss,
            }
        )
        if self._settings.penalty or max(self.epochs, key=_merit) is self.epochs[-1]:
            self.best_epoch = len(self.epochs)
            self.best = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
        logger.info(
            "epoch %d/%d: loss %.4f, selection accuracy %.2f %%, %.0f images/s",
            len(self.epochs),
            self._settings.epochs,
            loss,
            100 * score.accuracy,
            self._steps * self._batch / (time.perf_counter() - started),
        )

    def _pass_over_images(self) -> float:
        """All images in random order, without the last incomplete batch; the mean loss."""
        self._model.train()
        # The draws of a net's own layers, such as dropout, are the same after an interruption.
        torch.manual_seed(self._seed + len(self.epochs))
        images, settings = self._splits.train, self._settings
        order = torch.randperm(len(images), generator=self._generator).to(images.labels.device)
        losses = torch.zeros((), device=images.labels.device)
        for chosen in order.split(self._batch)[: self._steps]:
            batch = images.batch(chosen, self._augmentation if settings.augment else None)
            losses += self._training_steps.step(batch, images.labels[chosen])
            self._schedule.step()
        mean = losses.item() / self._steps
        self._must_be_finite(mean)
        return mean

    def _must_be_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            rate = self._settings.learning_rate
            raise InputError(f"the training diverged (loss {loss}); lower learning_rate, now {rate}")

    def _add_penalty(self) -> None:
        settings = self._settings
        strength = strength_in(len(self.epochs) + 1, settings.epochs, settings.penalty, settings.strength)
        add_penalty(self._model, settings.penalty, strength)

    def tensors(self) -> Weights:
        """Everything that changes from epoch to epoch and is a tensor."""
        return {
            **prefixed("model", self._model.state_dict()),
            **prefixed("best", self.best),
            **prefixed("optimizer", optimizer_tensors(self._optimizer)),
            "generator": self._generator.get_state(),
            "augmentation": self._augmentation.get_state(),
        }

    def record(self) -> dict[str, object]:
        """Everything else that changes; the arguments of `restore`, with the tensors."""
        return {"epochs": self.epochs, "best_epoch": self.best_epoch}

    def restore(self, tensors: Weights, epochs: list[Epoch], best_epoch: int) -> None:
        """Continue where another process stopped."""
        self._model.load_state_dict(without_prefix("model", tensors))
        self.best = without_prefix("best", tensors)
        restore_optimizer(self._optimizer, without_prefix("optimizer", tensors))
        self._generator.set_state(tensors["generator"])
        self._augmentation.set_state(tensors["augmentation"])
        self.epochs, self.best_epoch = epochs, best_epoch
        skip(self._schedule, len(self.epochs) * self._steps)
        logger.info("resumed after epoch %d/%d", len(self.epochs), self._settings.epochs)


def _merit(epoch: Epoch) -> tuple[float, float]:
    return epoch["selection_accuracy"], -epoch["selection_loss"]


def _loss(settings: TrainingSettings, teacher: nn.Module | None) -> Loss:
    """What the steps lower."""
    of_labels = LabelLoss(settings.label_smoothing)
    if teacher is None or settings.distillation is None:
        return of_labels
    return DistillationLoss(teacher, of_labels=of_labels, **settings.distillation)
