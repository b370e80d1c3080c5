"""Layer by layer to a target (NNI's NetAdaptPruner; Yang et al. 2018, arXiv:1804.03230, algorithm 1).

Each iteration prunes one layer further: that which keeps the most accuracy after a short-term fine-tuning.
The way to a high sparsity passes through the ways to all lower ones: one search path serves all targets,
with a snapshot at each. `filterbench.pruners.search.steps` says how much an iteration prunes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import fx, nn
from torch.optim import SGD

from filterbench.compaction.masks import ChannelMasks, apply_masks
from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.compaction.speedup import silence_masked_channels, silencer
from filterbench.models.depthwise import mask_depthwise
from filterbench.pruners.nni import filters_as_rows
from filterbench.pruners.search.search import MOMENTUM, Search, fingerprint, sparsities_of
from filterbench.pruners.search.steps import Candidate, CostSteps, Steps, WeightSteps
from filterbench.storage.journal import Journal
from filterbench.storage.weights import Weights


@dataclass(frozen=True)
class Snapshot:
    """Where the search path first reached a target, or why it did not.

    Attributes:
        target: the sparsity or the budget's share.
        reached: the sparsity or share at which the search path stood then.
        weights: of the masked net; empty where the target was not reached.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
        steps: how many candidates had been evaluated by then.
        cost: what had been spent by then.
        infeasible: why the target was not reached; empty where it was.
    """

    target: float
    reached: float
    weights: Weights
    masks: ChannelMasks
    steps: int
    cost: dict[str, int]
    infeasible: str = ""


class Trajectory:
    """The iterations of NetAdapt on one net.

    Args:
        model: the trained net; it is left as it is.
        steps: what an iteration prunes.
        arguments: `short_term_steps` batches (0: none) at `short_term_learning_rate` and
            `short_term_weight_decay` for each candidate.
        search: where candidates are evaluated and recorded.
    """

    def __init__(self, model: nn.Module, steps: Steps, arguments: Mapping[str, Any], search: Search) -> None:
        self._steps, self._arguments, self._search = steps, arguments, search
        self._model = filters_as_rows(copy.deepcopy(model))
        self._graph = fx.symbolic_trace(self._model).graph
        self._kept: ChannelMasks = {}
        self._iteration = 0

    def run(self, targets: Sequence[float]) -> Iterator[Snapshot]:
        """Go from target to target, the easiest first, and give each one's snapshot."""
        candidates = self._steps.layers * self._steps.iterations(targets)
        journal = self._search.journal("net-adapt", candidates)
        for target in self._steps.in_order(targets):
            infeasible = ""
            while not self._steps.reached(target, self._kept) and not infeasible:
                if not self._iterate(journal, target):
                    infeasible = f"after {self._iteration} iterations, {self._steps.exhausted(self._kept)}"
            yield self._snapshot(target, len(journal.steps), infeasible)
        self._search.add_steps(journal)

    def _snapshot(self, target: float, steps: int, infeasible: str) -> Snapshot:
        """Copies: a file cannot hold one tensor in two snapshots."""
        weights = {} if infeasible else copy.deepcopy(self._model.state_dict())
        masks = {} if infeasible else {name: kept.clone() for name, kept in self._kept.items()}
        reached = self._steps.share(self._kept)
        return Snapshot(target, reached, weights, masks, steps, asdict(self._search.cost), infeasible)

    def _iterate(self, journal: Journal, target: float) -> bool:
        """Prune the layer that keeps the most accuracy; false where no layer can give enough."""
        best: tuple[float, int, _Trial] | None = None
        for candidate in self._steps.candidates(self._model, self._kept, target):
            masks = dict(candidate.masks)
            mask_depthwise(self._model, self._graph, masks)
            trial = _Trial(self._model, masks, candidate, self._iteration, self._arguments, self._search)
            self._search.count_evaluation()
            self._search.count_training(self._arguments["short_term_steps"])
            question = b"%d " % self._iteration + fingerprint(masks)
            score = journal.score(sparsities_of(masks), question, trial.score, self._iteration)
            if best is None or score > best[0]:
                best = score, len(journal.steps) - 1, trial
        if best is None:
            return False
        _, step, chosen = best
        journal.accept(step)
        _, weights = chosen.tuned
        self._model.load_state_dict(weights)
        self._kept = chosen.masks
        self._steps.take(chosen.candidate)
        self._iteration += 1
        return True


@dataclass(frozen=True)
class NetAdapt:
    """NNI's NetAdaptPruner, as a search path; `Trajectory` and the steps say what the arguments are."""

    base_algo: str
    sparsity_per_iteration: float
    short_term_steps: int
    short_term_learning_rate: float
    short_term_weight_decay: float
    halve_step: bool

    def path(self, model: nn.Module, search: Search) -> Trajectory:
        """The search path to sparsities.

        Args:
            model: a trained net for inputs of (batch, 3, 32, 32); it is left as it is.
            search: what candidates are evaluated and trained with.
        """
        return Trajectory(model, WeightSteps(model, asdict(self)), asdict(self), search)

    def path_within(
        self, model: nn.Module, cost: Callable[[ChannelMasks], float], search: Search
    ) -> Trajectory:
        """The search path to budgets of a cost; see `path` and `filterbench.costs.budget.Budget`."""
        return Trajectory(model, CostSteps(model, asdict(self), cost), asdict(self), search)


class _Trial:
    """A candidate's short-term fine-tuning.

    Args:
        model: the net as the search path has it; it is left as it is.
        masks: the candidate's, depthwise convolutions included.
        candidate: of the iteration.
        iteration: number of the iteration, from 0.
        arguments: see `Trajectory`.
        search: see `Trajectory`.
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
