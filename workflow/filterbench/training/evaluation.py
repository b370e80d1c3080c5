"""How well a net classifies."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from filterbench.data.loading import Images
from filterbench.training.precision import mixed_precision

BATCH = 250


@dataclass(frozen=True)
class Score:
    """A net's quality on a set of images.

    Attributes:
        accuracy: share of the images classified correctly, 0..1.
        loss: mean cross-entropy, nats.
    """

    accuracy: float
    loss: float


@torch.no_grad()
def evaluate(model: nn.Module, images: Images) -> Score:
    """Classify all images; the net is left in evaluation mode."""
    model.eval()
    correct, loss = 0, 0.0
    for batch, labels in images.batches(BATCH):
        with mixed_precision(batch.device):
            logits = model(batch).float()
        correct += int((logits.argmax(1) == labels).sum())
        loss += cross_entropy(logits, labels, reduction="sum").item()
    return Score(correct / len(images), loss / len(images))
