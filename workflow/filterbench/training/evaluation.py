"""How well a net classifies."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from filterbench.data.loading import Images

BATCH = 250
# With fewer classes, five guesses of a net say little.
TOP5_CLASSES = 20


@dataclass(frozen=True)
class Score:
    """A net's quality on a set of images.

    Attributes:
        accuracy: share of the images classified correctly, 0..1.
        loss: mean cross-entropy, nats.
        correct: which images these are, bool, (images,), on the CPU.
        top5: share of the images whose class is among the net's five most likely ones, 0..1; None with fewer
            than 20 classes.
    """

    accuracy: float
    loss: float
    correct: Tensor
    top5: float | None = None


@torch.no_grad()
def evaluate(model: nn.Module, images: Images) -> Score:
    """Classify all images, in float32; the net is left in evaluation mode."""
    model.eval()
    correct, loss, top5 = [], 0.0, 0
    for batch, labels in images.batches(BATCH):
        logits = model(batch)
        correct.append(logits.argmax(1) == labels)
        loss += cross_entropy(logits, labels, reduction="sum").item()
        if many := logits.shape[1] >= TOP5_CLASSES:
            top5 += int((logits.topk(5).indices == labels[:, None]).sum())
    found = torch.cat(correct).cpu()
    share = top5 / len(images) if many else None
    return Score(int(found.sum()) / len(images), loss / len(images), found, share)
