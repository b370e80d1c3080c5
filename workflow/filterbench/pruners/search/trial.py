"""A candidate of NetAdapt and its short-term fine-tuning."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import nn

from filterbench.compaction.masks import ChannelMasks, apply_masks
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.compaction.speedup import silence_masked_channels, silencer
from filterbench.pruners.search.search import MOMENTUM, Search
from filterbench.pruners.search.steps import Candidate
from filterbench.storage.weights import Weights
from filterbench.training.sgd import SGD


class Trial:
    """A candidate's short-term fine-tuning.

    Args:
        model: the net as the search path has it; it is left as it is.
        masks: the candidate's, depthwise convolutions included.
        candidate: of the iteration.
        iteration: number of the iteration, from 0.
        arguments: `short_term_steps` batches (0: none) at `short_term_learning_rate` and
            `short_term_weight_decay`.
        search: what it is evaluated and trained with.
    """

    def __init__(
        self,
        model: nn.Module,
        masks: ChannelMasks,
        candidate: Candidate,
        iteration: int,
        arguments: Mapping[str, Any],
        search: Search,
    ) -> None:
        self.masks, self.candidate = masks, candidate
        self._model, self._iteration, self._arguments, self._search = model, iteration, arguments, search

    def score(self) -> float:
        """Accuracy of the fine-tuned candidate on the selection split, 0..1."""
        net, _ = self.tuned
        return self._search.evaluate(net)

    @cached_property
    def tuned(self) -> tuple[nn.Module, Weights]:
        """The fine-tuned candidate, compact or masked, and the whole net's weights with its own in place.

        The masks hold at every step, as NNI's wrappers see to: a filter can grow back only once it is out of
        the search.
        """
        whole = copy.deepcopy(self._model)
        if self._search.settings.net == "masked":
            apply_masks(whole, self.masks)
            self._fine_tune(whole, lambda: apply_masks(whole, self.masks))
            return whole, whole.state_dict()
        silence_masked_channels(whole, self.masks)
        kept = kept_indices(whole, self.masks)
        compact = slice_channels(whole, kept)
        self._fine_tune(compact, silencer(compact, kept.masks(self.masks)))
        return compact, kept.scatter(compact.state_dict(), whole.state_dict())

    def _fine_tune(self, net: nn.Module, hold_masks: Callable[[], None]) -> None:
        arguments = self._arguments
        optimizer = SGD(
            net.to(memory_format=torch.channels_last).parameters(),
            lr=arguments["short_term_learning_rate"],
            momentum=MOMENTUM,
            weight_decay=arguments["short_term_weight_decay"],
        )
        optimizer.register_step_post_hook(lambda *_: hold_masks())
        steps = arguments["short_term_steps"]
        self._search.train_steps(net, optimizer, steps, self._iteration, self.candidate.index)
        net.eval()
