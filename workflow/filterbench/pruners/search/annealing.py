"""Simulated annealing over the layers' sparsities (NNI's SimulatedAnnealingPruner).

The search is that of Liu et al. 2019 (arXiv:1907.03141, section 3.2): perturb the sparsities, keep their
weighted mean, accept better ones, and accept worse ones with a probability that falls with the temperature.
With equal draws it takes the same steps as NNI's class, which cannot be resumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.costs.budget import Budget
from filterbench.pruners.search.allocation import Allocation, BudgetAllocation, Layers, WeightAllocation
from filterbench.pruners.search.extent import Cost, Extent
from filterbench.pruners.search.search import Search, derived_seed, fingerprint, sparsities_of
from filterbench.storage.journal import Journal

DRAWS_PER_MAGNITUDE = 1000


@dataclass(frozen=True)
class AnnealingArguments:
    """NNI's arguments of an annealing; `filterbench.pruners.arguments` says what each means."""

    base_algo: str
    start_temperature: float
    stop_temperature: float
    cool_down_rate: float
    perturbation_magnitude: float

    @property
    def steps(self) -> int:
        """How many times the annealing cools down before it stops."""
        return math.ceil(
            math.log(self.stop_temperature / self.start_temperature) / math.log(self.cool_down_rate)
        )

    def least_cost(self, extent: Extent) -> Cost:
        """See `filterbench.pruners.contract.Searching.least_cost`: each step accepts its first candidate."""
        return extent.candidates(self.steps)


class SimulatedAnnealing(AnnealingArguments):
    """NNI's SimulatedAnnealingPruner."""

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        return self._masked(model, sparsity, search)

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.BudgetPruner.prune_within`."""
        return self._masked(model, budget, search)

    def _masked(self, model: nn.Module, target: float | Budget, search: Search) -> PrunedNet:
        _, masks = anneal(model, target, self, search)
        apply_masks(model, masks)
        return PrunedNet(model, masks)


@dataclass(frozen=True)
class ScoredAllocation:
    """Sparsities of all layers, and their score.

    Attributes:
        sparsities: ascending, (layers,); the layers are ordered by number of weights.
        masks: the masks of these sparsities.
        score: accuracy on the selection split, 0..1.
    """

    sparsities: np.ndarray
    masks: ChannelMasks
    score: float


def anneal(
    model: nn.Module, target: float | Budget, settings: AnnealingArguments, search: Search, stage: int = 0
) -> tuple[dict[str, float], ChannelMasks]:
    """The best candidate of an annealing.

    Args:
        model: the net; it is not changed.
        target: share of the convolutions' weights to mask, above 0 and below 1, or a budget to meet.
        settings: temperatures and magnitude.
        search: where candidates are evaluated and recorded.
        stage: number of this annealing among those of the search, from 0.

    Returns:
        The sparsities of the pruned convolutions by name, and their masks.

    Raises:
        InfeasibleError: the budget cannot be met.
    """
    layers = Layers(model, settings.base_algo)
    random = np.random.RandomState(derived_seed(search.seed, stage))
    allocation: Allocation
    if isinstance(target, Budget):
        allocation = BudgetAllocation(layers, target)
        start = allocation.draw(random)
    else:
        allocation = WeightAllocation(layers, target)
        # From a generator of its own: later draws do not depend on how many numbers this one takes.
        start = allocation.draw(np.random.RandomState(random.randint(2**31)))
    journal = search.journal(f"annealing-{stage}", settings.steps)

    def judge(sparsities: np.ndarray) -> ScoredAllocation:
        return judged(model, layers, sparsities, search, journal)

    best = _best(start, allocation, settings, random, journal, judge)
    search.add_steps(journal)
    return layers.config(best.sparsities), best.masks


def _best(
    start: np.ndarray,
    allocation: Allocation,
    settings: AnnealingArguments,
    random: np.random.RandomState,
    journal: Journal,
    judge: Callable[[np.ndarray], ScoredAllocation],
) -> ScoredAllocation:
    """Cool down, and return the candidate with the best score; of equal ones the first."""
    sparsities, score = start, -math.inf
    best: ScoredAllocation | None = None
    temperature = settings.start_temperature
    while temperature > settings.stop_temperature:
        magnitude = temperature / settings.start_temperature * settings.perturbation_magnitude
        accepted = False
        while not accepted:
            candidate = judge(perturbed(sparsities, magnitude, allocation, random))
            loss = abs(candidate.score - score)
            accepted = candidate.score > score or random.uniform(0, 1) < math.exp(-loss / temperature)
            if best is None or candidate.score > best.score:
                best = candidate
        journal.accept()
        sparsities, score = candidate.sparsities, candidate.score
        temperature *= settings.cool_down_rate
    assert best is not None
    return best


def perturbed(
    sparsities: np.ndarray, magnitude: float, allocation: Allocation, random: np.random.RandomState
) -> np.ndarray:
    """Nearby sparsities that meet the target.

    As in NNI, but the magnitude is halved after every thousand draws that leave a layer without filters.

    Args:
        sparsities: (layers,).
        magnitude: the largest change of one sparsity, before all are scaled to the target.
        allocation: scales them.
        random: the source of every draw.
    """
    while True:
        for _ in range(DRAWS_PER_MAGNITUDE):
            change = random.uniform(-magnitude, magnitude, len(sparsities))
            proposal = allocation.rescaled(np.clip(sparsities + change, 0, None))
            if proposal is not None:
                return proposal
        magnitude /= 2


def judged(
    model: nn.Module, layers: Layers, sparsities: np.ndarray, search: Search, journal: Journal
) -> ScoredAllocation:
    """A candidate with its score, which is counted and recorded.

    Args:
        model: the net without masks.
        layers: of the net.
        sparsities: see `ScoredAllocation`.
        search: where candidates are evaluated.
        journal: where scores are recorded.
    """
    masks = layers.masks(sparsities)
    return ScoredAllocation(sparsities, masks, score_of(model, masks, search, journal))


def score_of(model: nn.Module, masks: ChannelMasks, search: Search, journal: Journal) -> float:
    """The score of a candidate, 0..1, which is counted and recorded; see `judged`."""
    search.count_candidate()
    which = fingerprint(masks)
    if search.settings.tune_steps:
        # Each candidate is tuned on batches of its own.
        which += b" %d" % search.cost.evaluations
    return journal.score(sparsities_of(masks), which, lambda: search.judge(model, masks))
