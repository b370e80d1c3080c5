"""How large a search is, how it judges candidates, and what it has spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filterbench.documents.parts import CostRecord
from filterbench.domain.spending import whole_batches
from filterbench.training.precision import AUTO


@dataclass(frozen=True)
class SearchSettings:
    """How candidates are judged and trained; `config.schema.json` says what each setting means.

    A pruner that neither searches nor trains gets the defaults, and does not read them.
    """

    net: str = "compact"
    batch_size: int = 64
    augment: bool = False
    recalibrate: int = 0
    tune_steps: int = 0
    tune_learning_rate: float = 0.01
    precision: str = AUTO


@dataclass
class Cost:
    """What a search has spent.

    Attributes:
        evaluations: candidates evaluated.
        images_evaluated: images that went through a net to judge it.
        images_trained: images that went through a net to train it.
    """

    evaluations: int = 0
    images_evaluated: int = 0
    images_trained: int = 0

    def document(self) -> CostRecord:
        """As documents record it."""
        return {
            "evaluations": self.evaluations,
            "images_evaluated": self.images_evaluated,
            "images_trained": self.images_trained,
        }


@dataclass(frozen=True)
class Extent:
    """How large a search is.

    Attributes:
        layers: prunable ones of the net.
        kind: of its targets.
        targets: one, or all that a search path serves.
        train: images to train with.
        selection: images to choose by.
        settings: how candidates are judged and trained.
    """

    layers: int
    kind: str
    targets: Sequence[float]
    train: int
    selection: int
    settings: SearchSettings

    def candidates(self, number: int) -> Cost:
        """What it costs to judge candidates as `Search.judge` does."""
        recalibrated = min(self.settings.recalibrate, self.train)
        tuned = self.batches(self.settings.tune_steps)
        return Cost(number, number * (self.selection + recalibrated), number * tuned)

    def batches(self, steps: int | None) -> int:
        """Images of a training of that many batches; None for one pass."""
        return images_of(steps, self.train, self.settings.batch_size)


def images_of(steps: int | None, images: int, wanted: int) -> int:
    """Images of a training of that many batches; None for one pass.

    Args:
        steps: number of batches.
        images: that there are, from 1.
        wanted: images per batch; fewer, if there are not as many.
    """
    size, in_a_pass = whole_batches(images, wanted)
    return size * (in_a_pass if steps is None else steps)
