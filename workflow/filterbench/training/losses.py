"""Losses of a training step: the labels' and, with a teacher, that of its soft targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

# Of a step's logits (n, classes), labels (n,) and images (n, 3, size, size): one number.
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LabelLoss:
    """Cross-entropy with the labels, in nats.

    Attributes:
        smoothing: share of the label that is spread over all classes, from 0 and below 1 (Szegedy et al.
            2016, arXiv:1512.00567, section 7).
    """

    smoothing: float = 0.0

    def __call__(self, logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
        """The mean over the images."""
        return cross_entropy(logits, labels, label_smoothing=self.smoothing)


@dataclass(frozen=True)
class DistillationLoss:
    """Weighted mean of the labels' loss and of the cross-entropy with a teacher's soft targets.

    Hinton et al. 2015 (arXiv:1503.02531, section 2): the soft targets are the teacher's softmax at a
    temperature, and the net's logits are divided by the same temperature. Its square keeps the size of the
    gradients.

    Attributes:
        teacher: the net that gives the soft targets, in evaluation mode.
        weight: share of the soft targets in the loss, above 0 and at most 1.
        temperature: above 0; a higher one makes the targets softer.
        of_labels: the loss that has the rest of the weight.
    """

    teacher: nn.Module
    weight: float
    temperature: float
    of_labels: Loss

    def __call__(self, logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
        """The mean over the images."""
        with torch.no_grad():
            targets = (self.teacher(images).float() / self.temperature).softmax(1)
        soft = self.temperature**2 * cross_entropy(logits.float() / self.temperature, targets)
        return self.weight * soft + (1 - self.weight) * self.of_labels(logits, labels, images)
