"""Steps of a training; a GPU captures one and replays it.

With batches of small images a GPU computes faster than Python launches its kernels. A CUDA graph launches all
kernels of a step at once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from filterbench.training.losses import LabelLoss, Loss
from filterbench.training.precision import AUTO, mixed_precision

logger = logging.getLogger(__name__)

# Shorter trainings end before a capture has paid off.
CAPTURED_FROM = 50
# In these steps the libraries choose their algorithms, which they cannot do in a capture.
WARM_UP = 3
HARD_LABELS = LabelLoss()


class TrainingSteps:
    """The steps of one training, all with the same number of images.

    On a GPU the forward and the backward pass are captured after some steps and replayed from then on, with
    the same kernels; the optimizer's part stays outside. A net that makes decisions in Python from step to
    step sets `capturable = False`.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        steps: int,
        precision: str = AUTO,
        loss: Loss = HARD_LABELS,
        add_penalty: Callable[[], None] | None = None,
    ) -> None:
        """Prepare the steps; nothing is computed yet.

        Args:
            model: the net, in training mode when a step is taken.
            optimizer: of the net's parameters.
            steps: the planned number of steps.
            precision: of the passes: `auto`, `float32` or `bfloat16`.
            loss: what the steps lower.
            add_penalty: changes the gradients of each step before the optimizer uses them.
        """
        self._model, self._optimizer = model, optimizer
        self._precision, self._loss = precision, loss
        self._add_penalty = add_penalty
        on_gpu = next(model.parameters()).is_cuda
        self._to_capture = on_gpu and steps >= CAPTURED_FROM and getattr(model, "capturable", True)
        self._taken = 0
        self._captured: _Captured | None = None

    def step(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Take one step.

        Args:
            batch: normalised images, (n, 3, size, size).
            labels: their classes, (n,).

        Returns:
            The loss, on the device; the next step may overwrite it.
        """
        if self._to_capture and self._taken == WARM_UP:
            self._captured = self._capture(batch, labels)
        if self._captured:
            loss = self._captured.replay(batch, labels)
        else:
            self._optimizer.zero_grad()
            loss = self._pass(batch, labels)
        if self._add_penalty:
            self._add_penalty()
        self._optimizer.step()
        self._taken += 1
        return loss

    def _pass(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Forward and backward; the loss."""
        with mixed_precision(batch.device, self._precision):
            loss = self._loss(self._model(batch), labels, batch)
        loss.backward()
        return loss.detach()

    def _capture(self, batch: Tensor, labels: Tensor) -> _Captured | None:
        """One pass as a graph, which has not run yet; None if the net cannot be captured."""
        self._optimizer.zero_grad()
        graph, images, classes = torch.cuda.CUDAGraph(), batch.clone(), labels.clone()
        try:
            with torch.cuda.graph(graph):
                loss = self._pass(images, classes)
        except RuntimeError as error:
            logger.info("this net's steps cannot be captured, so they run one by one: %s", error)
            # A failed capture leaves the random generator in capture mode; a successful one ends that mode.
            with torch.cuda.graph(torch.cuda.CUDAGraph()):
                batch.clone()
            return None
        return _Captured(graph, images, classes, loss)


class _Captured:
    """A graph with the memory that it reads and writes."""

    def __init__(self, graph: torch.cuda.CUDAGraph, batch: Tensor, labels: Tensor, loss: Tensor) -> None:
        self._graph, self._batch, self._labels, self._loss = graph, batch, labels, loss

    def replay(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Compute the gradients of a batch, in the parameters; its loss."""
        self._batch.copy_(batch)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._loss
