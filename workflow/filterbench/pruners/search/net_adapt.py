"""Layer by layer to a target (NNI's NetAdaptPruner; Yang et al. 2018, arXiv:1804.03230, algorithm 1).

Each iteration prunes one layer further: the one that keeps the most accuracy after a short-term fine-tuning.
The path to a high sparsity passes through all lower ones. So one search path serves all targets, with a
snapshot at each, from which it continues to further targets. `filterbench.pruners.search.steps` says how much
an iteration prunes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet
from filterbench.documents.parts import CostRecord
from filterbench.domain.targets import SPARSITY
from filterbench.models.depthwise import mask_depthwise
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.nni import filters_as_rows
from filterbench.pruners.search.cost_steps import CostSteps
from filterbench.pruners.search.extent import Cost, Extent
from filterbench.pruners.search.search import Search, fingerprint, sparsities_of
from filterbench.pruners.search.steps import ROUNDING, Candidate, NetAdaptArguments, Steps
from filterbench.pruners.search.trial import Outcomes, Trial
from filterbench.pruners.search.weight_steps import WeightSteps
from filterbench.storage.journal import Journal
from filterbench.storage.weights import Weights


@dataclass(frozen=True)
class Snapshot:
    """The end of the search path that a target shares with all harder ones.

    A sparsity is reached there, if it can be reached. To a budget there are steps left, which are its own.

    Attributes:
        target: the sparsity or the budget's share.
        reached: the sparsity or share of the search path at that time.
        weights: of the masked net.
        masks: by name of a convolution, bool of shape (output channels,): true where kept.
        iterations: how many were done.
        candidates: how many were evaluated.
        cost: what was spent.
        step: how much an iteration pruned (see `Steps`).
        asked: by layer, what its last step asked for (see `Steps`).
    """

    target: float
    reached: float
    weights: Weights
    masks: ChannelMasks
    iterations: int
    candidates: int
    cost: CostRecord
    step: float
    asked: dict[str, float]


class SearchPath:
    """The iterations of NetAdapt on one net.

    Args:
        model: the trained net; it is not changed.
        steps: what an iteration prunes.
        arguments: of the pruner.
        search: where candidates are evaluated and recorded.
    """

    def __init__(self, model: nn.Module, steps: Steps, arguments: NetAdaptArguments, search: Search) -> None:
        self._steps, self._arguments, self._search = steps, arguments, search
        self._model = filters_as_rows(copy.deepcopy(model))
        self._layers = len(steps.prunable)
        self._kept: ChannelMasks = {}
        self._iteration = 0

    def snapshots(
        self,
        targets: Sequence[float],
        earlier: Sequence[Snapshot] = (),
        rows: Sequence[Mapping[str, object]] = (),
    ) -> list[Snapshot]:
        """A snapshot at each target, the easiest first.

        Args:
            targets: of one kind.
            earlier: snapshots of an earlier search on the same net with the same settings, from which the
                search continues.
            rows: the steps of that search, as `search.csv` holds them.
        """
        found = {snapshot.target: snapshot for snapshot in earlier}
        ordered = self._steps.in_order(targets)
        journal = self._search.journal("net-adapt", self._layers * self._steps.iterations(targets))
        for target in ordered:
            if target in found:
                continue
            nearest = next((found[other] for other in reversed(ordered[: ordered.index(target)])), None)
            if nearest and self._iteration < nearest.iterations and nearest.candidates <= journal.recorded:
                self.restore(nearest)
                journal.go_on(rows[: nearest.candidates])
            while candidates := self._steps.shared(self._model, self._kept, target):
                self._iterate(candidates, journal, self._iteration)
            found[target] = self._snapshot(target, len(journal.steps))
        self._search.add_steps(journal)
        return [found[target] for target in ordered]

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot of the same net's search path."""
        self._model.load_state_dict(snapshot.weights)
        device = next(self._model.parameters()).device
        self._kept = {name: kept.to(device, copy=True) for name, kept in snapshot.masks.items()}
        self._iteration = snapshot.iterations
        self._steps.restore(snapshot.reached, snapshot.step, snapshot.asked)
        self._search.cost = Cost(**snapshot.cost)

    def finish(self, target: float) -> PrunedNet:
        """Continue to a target by the steps that are its own.

        Raises:
            InfeasibleError: no layer can give enough.
        """
        journal = self._search.journal("own-steps", self._layers)
        first = self._iteration
        while not self._steps.reached(target, self._kept):
            candidates = self._steps.own(self._model, self._kept, target)
            if not candidates:
                self._search.add_steps(journal)
                why = self._steps.exhausted(self._kept)
                raise InfeasibleError(f"after {self._iteration} iterations, {why}")
            self._iterate(candidates, journal, self._iteration - first)
        self._search.add_steps(journal)
        return PrunedNet(self._model, self._kept)

    def _snapshot(self, target: float, candidates: int) -> Snapshot:
        """Copies: a file cannot hold one tensor in two snapshots."""
        return Snapshot(
            target=target,
            reached=self._steps.share(self._kept),
            weights=copy.deepcopy(self._model.state_dict()),
            masks={name: kept.clone() for name, kept in self._kept.items()},
            iterations=self._iteration,
            candidates=candidates,
            cost=self._search.cost.document(),
            step=self._steps.step,
            asked=dict(self._steps.asked),
        )

    def _iterate(self, candidates: Sequence[Candidate], journal: Journal, choice: int) -> None:
        """Prune the layer that keeps the most accuracy.

        Args:
            candidates: of this iteration, at least one.
            journal: where their scores are recorded.
            choice: number of the iteration in the journal, from 0.
        """
        trials = [self._trial(candidate) for candidate in candidates]
        outcomes = Outcomes(trials, self._search.side_by_side)
        best: tuple[float, int, int] | None = None
        for position, trial in enumerate(trials):
            self._search.count_evaluation()
            self._search.count_training(self._arguments.short_term_steps)
            # Layers that a step takes no whole filter from have equal masks, but are trained in other orders.
            which = b"%d %d " % (self._iteration, trial.candidate.index) + fingerprint(trial.masks)
            score = journal.score(
                sparsities_of(trial.masks), which, partial(outcomes.score, position), choice
            )
            if best is None or score > best[0]:
                best = score, len(journal.steps) - 1, position
        assert best is not None
        _, step, position = best
        journal.accept(step)
        self._model.load_state_dict(outcomes.weights(position))
        self._kept = trials[position].masks
        self._steps.take(candidates[position])
        self._iteration += 1

    def _trial(self, candidate: Candidate) -> Trial:
        masks = dict(candidate.masks)
        mask_depthwise(self._model, masks)
        return Trial(self._model, masks, candidate, self._iteration, self._arguments, self._search)


@dataclass(frozen=True)
class NetAdapt(NetAdaptArguments):
    """NNI's NetAdaptPruner, as a search path."""

    def least_cost(self, extent: Extent) -> Cost:
        """See `filterbench.pruners.contract.Searching.least_cost`; nearly all, for layers drop out late."""
        way = max(extent.targets) if extent.kind == SPARSITY else 1 - min(extent.targets)
        number = math.ceil(way / self.sparsity_per_iteration - ROUNDING) * extent.layers
        return Cost(number, number * extent.selection, number * extent.batches(self.short_term_steps))

    def path(self, model: nn.Module, search: Search) -> SearchPath:
        """The search path to sparsities.

        Args:
            model: a trained net for inputs of (batch, 3, height, width); it is not changed.
            search: what candidates are evaluated and trained with.
        """
        return SearchPath(model, WeightSteps(model, self), self, search)

    def path_within(
        self, model: nn.Module, cost: Callable[[ChannelMasks], float], search: Search
    ) -> SearchPath:
        """The search path to budgets of a cost; see `path` and `filterbench.costs.budget.Budget`."""
        return SearchPath(model, CostSteps(model, self, cost), self, search)
