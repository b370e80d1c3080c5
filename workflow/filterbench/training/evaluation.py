"""How well a net classifies."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from filterbench.data.loading import Images

BATCH = 250


@dataclass(frozen=True)
class Score:
    """A net's quality on a set of images.

    Attributes:
        accuracy: share of the images classified correctly, 0..1.
        loss: mean cross-entropy, nats.
        correct: which images these are, bool, (images,), on the CPU.
    """

    accuracy: float
    loss: float
    correct: Tensor


@torch.no_grad()
def evaluate(model: nn.Module, images: Images) -> Score:
    """Classify all images, in float32; the net is left in evaluation mode."""
    model.eval()
    correct, loss = [], 0.0
    for batch, labels in images.batches(BATCH):
        logits = model(batch)
        correct.append(logits.argmax(1) == labels)
        loss += cross_entropy(logits, labels, reduction="sum").item()
    found = torch.cat(correct).cpu()
    return Score(int(found.sum()) / len(images), loss / len(images), found)
