"""A candidate of NetAdapt and its short-term fine-tuning."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.compaction.slicing import kept_indices
from filterbench.compaction.speedup import silencer
from filterbench.models.graph import graph_of
from filterbench.pruners.search.search import MOMENTUM, Search, SideBySide, candidate_form
from filterbench.pruners.search.steps import Candidate, NetAdaptArguments
from filterbench.storage.weights import Weights
from filterbench.training.optimizers import SGD

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """The value of a candidate, in a form that can be sent to another process.

    Attributes:
        score: accuracy on the selection split, 0..1.
        tuned: see `Trial.tuned`.
    """

    score: float
    tuned: Arrays


def _arrays(net: nn.Module) -> Arrays:
    return {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}


class Trial:
    """A candidate's short-term fine-tuning.

    Args:
        model: the net as the search path has it; it is not changed.
        masks: the candidate's, depthwise convolutions included.
        candidate: of the iteration.
        iteration: number of the iteration, from 0.
        arguments: of the pruner.
        search: what the candidate is evaluated and trained with.
    """

    def __init__(
        self,
        model: nn.Module,
        masks: ChannelMasks,
        candidate: Candidate,
        iteration: int,
        arguments: NetAdaptArguments,
        search: Search,
    ) -> None:
        self.masks, self.candidate = masks, candidate
        self._model, self._iteration, self._arguments, self._search = model, iteration, arguments, search

    def outcome(self) -> Outcome:
        """Fine-tune the candidate and judge it on the selection split."""
        net = self._fine_tuned()
        return Outcome(self._search.evaluate(net), _arrays(net))

    def tuned(self) -> Arrays:
        """The weights of the fine-tuned candidate, compact or masked."""
        return _arrays(self._fine_tuned())

    def weights(self, tuned: Arrays) -> Weights:
        """The whole net's weights with those of the fine-tuned candidate in their place."""
        device = next(self._model.parameters()).device
        weights = {name: torch.from_numpy(array).to(device) for name, array in tuned.items()}
        if self._search.settings.net == "masked":
            return weights
        whole = copy.deepcopy(self._model)
        silencer(whole, self.masks, graph_of(self._model))()
        return kept_indices(self._model, self.masks).scatter(weights, whole.state_dict())

    def _fine_tuned(self) -> nn.Module:
        """The fine-tuned candidate, compact or masked.

        The masks hold at every step, as with NNI's wrappers: a filter can grow back only after the search.
        """
        net, hold_masks = candidate_form(self._model, self.masks, self._search.settings.net)
        self._fine_tune(net, hold_masks)
        return net

    def _fine_tune(self, net: nn.Module, hold_masks: Callable[[], None]) -> None:
        arguments = self._arguments
        optimizer = SGD(
            net.to(memory_format=torch.channels_last).parameters(),
            lr=arguments.short_term_learning_rate,
            momentum=MOMENTUM,
            weight_decay=arguments.short_term_weight_decay,
        )
        optimizer.register_step_post_hook(lambda *_: hold_masks())
        self._search.train_steps(
            net, optimizer, arguments.short_term_steps, self._iteration, self.candidate.index
        )
        net.eval()


class Outcomes:
    """The outcomes of an iteration's trials, which run side by side.

    Args:
        trials: in the order in which their scores are asked for.
        side_by_side: see `Search.side_by_side`.
    """

    def __init__(self, trials: Sequence[Trial], side_by_side: SideBySide) -> None:
        self._trials, self._side_by_side = trials, side_by_side
        self._running: Iterator[Outcome] | None = None
        self._best: tuple[int, Outcome] | None = None

    def score(self, position: int) -> float:
        """The score of a trial; the first call starts that trial and all after it."""
        if self._running is None:
            self._running = self._side_by_side([trial.outcome for trial in self._trials[position:]])
        outcome = next(self._running)
        if self._best is None or outcome.score > self._best[1].score:
            self._best = position, outcome
        return outcome.score

    def weights(self, position: int) -> Weights:
        """The whole net's weights after a trial; one that an earlier process scored runs again."""
        trial = self._trials[position]
        known = self._best is not None and self._best[0] == position
        return trial.weights(self._best[1].tuned if self._best and known else trial.tuned())
