"""What a pruner searches with: an evaluator, a trainer, a journal, seeds and a folder for its state."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from filterbench.compaction.masks import ChannelMasks, apply_masks
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.compaction.speedup import silencer
from filterbench.data.augmentation import drawing_on
from filterbench.data.loading import Splits
from filterbench.domain.spending import whole_batches
from filterbench.models.graph import graph_of
from filterbench.pruners.search.extent import Cost, SearchSettings, images_of
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.journal import Journal
from filterbench.storage.stopwatch import Stopwatch
from filterbench.training.evaluation import evaluate
from filterbench.training.optimizers import SGD
from filterbench.training.recalibration import recalibrate
from filterbench.training.steps import TrainingSteps

MOMENTUM = 0.9
# Images per batch of scores that look at data.
BATCH = 64
Result = TypeVar("Result")


class SideBySide(Protocol):
    """Calls functions, maybe several at once, and yields their results in order."""

    def __call__(self, functions: Sequence[Callable[[], Result]]) -> Iterator[Result]:
        """The results of the functions."""


def one_by_one(functions: Sequence[Callable[[], Result]]) -> Iterator[Result]:
    """Call functions one after another."""
    return (function() for function in functions)


@dataclass
class Search:
    """One search of a cell.

    Attributes:
        splits: the study's images; only the train and selection splits are used.
        settings: how candidates are judged and trained.
        seed: of every draw.
        folder: where the search keeps its state while it runs.
        key: digest of everything that the search depends on.
        stopwatch: of the job that searches.
        cost: what has been spent so far, replayed steps included.
        steps: the rows of `search.csv`.
        side_by_side: runs candidates that do not depend on each other.
        round_channels: the multiple of channels to keep, for a pruner that removes channels itself.
    """

    splits: Splits
    settings: SearchSettings
    seed: int
    folder: Path
    key: str
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    cost: Cost = field(default_factory=Cost)
    steps: list[dict[str, Any]] = field(default_factory=list)
    side_by_side: SideBySide = one_by_one
    round_channels: int = 1

    def journal(self, name: str, expected: int) -> Journal:
        """The journal called `name`."""
        return Journal(self.folder / f"{name}.jsonl", self.key, expected, self.stopwatch)

    def add_steps(self, journal: Journal) -> None:
        """Append a finished journal's steps, and its choices, to those of the search."""
        steps = len(self.steps)
        choices = self.steps[-1]["choice"] + 1 if self.steps else 0
        self.steps += [
            row | {"step": row["step"] + steps, "choice": row["choice"] + choices} for row in journal.rows()
        ]

    def checkpoint(self, name: str) -> Checkpoint:
        """The checkpoint called `name`."""
        return Checkpoint(self.folder / f"{name}.checkpoint", self.key, self.stopwatch)

    def training_batches(self, count: int, size: int = BATCH) -> Iterator[tuple[Tensor, Tensor]]:
        """Random training images for scores from gradients or activations; they count as evaluated.

        Args:
            count: number of images, from 1 (or all, if there are fewer).
            size: images per batch; the last may have fewer.

        Yields:
            Normalised images, (n, 3, height, width), without augmentation, and their labels, int64 (n,), on
            the device of the net.
        """
        for part in self.drawn(count).split(size):
            yield self.splits.train.batch(part, None), self.splits.train.labels[part]

    def drawn(self, count: int) -> Tensor:
        """Indices of random training images (all, if there are fewer), int64; they count as evaluated."""
        generator = torch.Generator().manual_seed(derived_seed(self.seed))
        chosen = torch.randperm(len(self.splits.train), generator=generator)[:count]
        self.cost.images_evaluated += len(chosen)
        return chosen

    def evaluate(self, model: nn.Module) -> float:
        """Accuracy of a net on the selection split, 0..1."""
        return evaluate(model, self.splits.selection).accuracy

    def judge(self, model: nn.Module, masks: ChannelMasks) -> float:
        """Accuracy of a candidate on the selection split, 0..1, tuned and recalibrated as the settings say.

        The compact form evaluates only what is left of the net. The masked form, as in NNI, evaluates the
        whole net, whose masked channels' BatchNorm still emits a constant.

        Args:
            model: the net without masks.
            masks: by name of a convolution, bool of shape (output channels,): true where kept.

        Raises:
            InputError: the settings ask for a recalibration, and the net has no BatchNorm.
        """
        settings = self.settings
        changed = bool(settings.tune_steps or settings.recalibrate)
        net, hold_masks = candidate_form(model, masks, settings.net, share=not changed)
        if settings.tune_steps:
            optimizer = SGD(net.parameters(), lr=settings.tune_learning_rate, momentum=MOMENTUM)
            optimizer.register_step_post_hook(lambda *_: hold_masks())
            self.train_steps(net, optimizer, settings.tune_steps, self.cost.evaluations)
        if settings.recalibrate:
            images, seed = self.splits.train, derived_seed(self.seed)
            recalibrate(net, images, settings.recalibrate, settings.batch_size, seed)
        return self.evaluate(net)

    def count_candidate(self) -> None:
        """Add one candidate that `judge` judges to the cost, even if its score was recorded earlier."""
        self.count_evaluation()
        self.cost.images_evaluated += min(self.settings.recalibrate, len(self.splits.train))
        self.count_training(self.settings.tune_steps)

    def count_evaluation(self) -> None:
        """Add one evaluated candidate to the cost, even if its score was recorded earlier."""
        self.cost.evaluations += 1
        self.cost.images_evaluated += len(self.splits.selection)

    def train_steps(self, model: nn.Module, optimizer: Optimizer, steps: int | None, *seeds: int) -> None:
        """Train a net on batches in random order.

        Args:
            model: the net; it is changed.
            optimizer: of the net's parameters.
            steps: number of batches; None for one pass over the images.
            seeds: what the order and the augmentation depend on, besides the search's seed.
        """
        images = self.splits.train
        size, in_a_pass = whole_batches(len(images), self.settings.batch_size)
        steps = in_a_pass if steps is None else steps
        seed = derived_seed(self.seed, *seeds)
        generator = torch.Generator().manual_seed(seed)
        # For what a net's own layers draw, as dropout does.
        torch.manual_seed(seed)
        augmentation = drawing_on(images.labels.device, generator) if self.settings.augment else None
        model.train()
        training = TrainingSteps(model, optimizer, steps, self.settings.precision)
        for chosen in _batches(images.labels, size, steps, generator):
            training.step(images.batch(chosen, augmentation), images.labels[chosen])

    def count_training(self, steps: int | None) -> None:
        """Add a training to the cost, even if an earlier process did it."""
        self.cost.images_trained += images_of(steps, len(self.splits.train), self.settings.batch_size)


def derived_seed(*numbers: int) -> int:
    """One seed for torch out of several numbers, each from 0."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _batches(labels: Tensor, size: int, steps: int, generator: torch.Generator) -> Iterable[Tensor]:
    """Indices of `steps` batches, pass after pass in a new random order, without incomplete batches."""
    in_a_pass = len(labels) // size
    for done in range(0, steps, in_a_pass):
        order = torch.randperm(len(labels), generator=generator).to(labels.device)
        yield from order.split(size)[: min(in_a_pass, steps - done)]


def candidate_form(
    model: nn.Module, masks: ChannelMasks, form: str, share: bool = False
) -> tuple[nn.Module, Callable[[], None]]:
    """A net in which a candidate is judged or trained, and what masks its filters again after a step.

    Args:
        model: the net; it is not changed.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
        form: `masked`, a copy whose masked filters are zero, and whose BatchNorm still emits a constant;
            `compact`, without masked channels, which computes what the silenced masked net computes.
        share: see `filterbench.compaction.slicing.slice_channels`.
    """
    hold_masks: Callable[[], None]
    if form == "masked":
        net = copy.deepcopy(model)
        hold_masks = partial(apply_masks, net, masks)
    else:
        kept = kept_indices(model, masks)
        # A sum keeps these masked filters.
        left = kept.masks(masks)
        net = slice_channels(model, kept, share and not left)
        hold_masks = silencer(net, left, graph_of(model))
    hold_masks()
    return net, hold_masks


def compact_form(model: nn.Module, masks: ChannelMasks) -> nn.Module:
    """The compact form of a candidate; see `candidate_form`."""
    return candidate_form(model, masks, "compact")[0]


def sparsities_of(masks: ChannelMasks) -> dict[str, float]:
    """Share of masked filters by layer."""
    return {name: 1 - int(kept.sum()) / len(kept) for name, kept in masks.items()}


def fingerprint(masks: ChannelMasks) -> bytes:
    """Bytes that differ between any two sets of masks."""
    return b"".join(name.encode() + kept.cpu().numpy().tobytes() for name, kept in sorted(masks.items()))
