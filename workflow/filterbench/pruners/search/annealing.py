"""Simulated annealing over the layers' sparsities (NNI's SimulatedAnnealingPruner).

The search is that of Liu et al. 2019 (arXiv:1907.03141, section 3.2): perturb the sparsities, keep their
weighted mean, accept what is better, and what is worse with a probability that falls as it cools.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from filterbench.compaction.masks import ChannelMasks, PrunedNet, apply_masks
from filterbench.costs.budget import Budget
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.nni import (
    SimulatedAnnealingPruner,
    all_convolutions,
    filters_as_rows,
    layer_mask,
    wrapped_masks,
)
from filterbench.pruners.search.sampling import draw_sparsities
from filterbench.pruners.search.search import Search, cooling_steps, derived_seed, fingerprint, sparsities_of
from filterbench.storage.journal import Journal

DRAWS_AT_A_MAGNITUDE = 1000
# Above this sparsity no convolution has a second filter to give.
LARGEST = 1 - 1e-6
# Bisections of a factor; the last ones move no filter any more.
HALVINGS = 50


class _BoundedAnnealing(SimulatedAnnealingPruner):
    """NNI's annealing, whose draws end for every target and whose steps are recorded."""

    journal: Journal
    budget: Budget | None
    _proposal: np.ndarray | None = None

    def _init_sparsities(self) -> None:
        weights = np.sort([wrapper.module.weight.numel() for wrapper in self.get_modules_wrapper()])
        self._sparsities = draw_sparsities(
            weights, self._sparsity, np.random.RandomState(np.random.randint(2**31))
        )
        self._proposal = None

    def _generate_perturbations(self) -> np.ndarray:
        """As NNI's, but with half the magnitude after each thousand draws that leave no filter in a layer."""
        self.note_acceptance()
        magnitude = self._current_temperature / self._start_temperature * self._perturbation_magnitude
        while True:
            for _ in range(DRAWS_AT_A_MAGNITUDE):
                change = np.random.uniform(-magnitude, magnitude, len(self._sparsities))
                proposal = self._rescale(np.clip(self._sparsities + change, 0, None))
                if proposal is not None and proposal[-1] < 1:
                    self._proposal = proposal
                    return proposal
            magnitude /= 2

    def _rescale(self, proposal: np.ndarray) -> np.ndarray | None:
        """Sorted sparsities that meet the target; None where these cannot."""
        return self._rescale_sparsities(proposal, target_sparsity=self._sparsity)

    def note_acceptance(self) -> None:
        """Mark the last step as accepted if the search goes on from it."""
        if self._proposal is not None and self._sparsities is self._proposal:
            self.journal.accept()


def evaluator_of(model: nn.Module, search: Search, journal: Journal) -> Callable[[nn.Module], float]:
    """What scores a net with NNI's masks by its accuracy (0..1), counts the evaluation and records it.

    Args:
        model: the net without masks.
        search: where candidates are evaluated.
        journal: where scores are recorded.
    """

    def evaluator(masked: nn.Module) -> float:
        masks = wrapped_masks(masked)
        search.count_candidate()
        return journal.score(
            sparsities_of(masks), fingerprint(masks), lambda: search.judge(model, masks, masked)
        )

    return evaluator


class _AnnealingWithin(_BoundedAnnealing):
    """The same annealing, whose candidates meet a budget in place of a weighted mean of the sparsities."""

    budget: Budget

    def _init_sparsities(self) -> None:
        self._proposal = None
        self._filters: dict[tuple[str, int], Tensor] = {}
        # As in NNI's config lists: rising sparsities for layers of rising size.
        self._layers = sorted(self.get_modules_wrapper(), key=lambda wrapper: wrapper.module.weight.numel())
        start = self._rescale(np.random.uniform(size=len(self._layers)))
        if start is None:
            raise InfeasibleError("with one filter in each convolution the net is still above the budget")
        self._sparsities = start

    def _rescale(self, proposal: np.ndarray) -> np.ndarray | None:
        """The sorted sparsities times the smallest factor that meets the budget, by bisection.

        What would be left of a layer is never less than one filter; None where the layers without any
        sparsity cannot stay as they are.
        """
        proposal = np.sort(proposal)
        positive = proposal[proposal > 0]
        if not len(positive):
            return None
        low, high = 0.0, LARGEST / positive[0]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self.budget.met(self._masks(_scaled(proposal, middle))):
                high = middle
            else:
                low = middle
        scaled = _scaled(proposal, high)
        return scaled if self.budget.met(self._masks(scaled)) else None

    def _masks(self, sparsities: np.ndarray) -> ChannelMasks:
        """The masks that NNI makes of sorted sparsities."""
        return {
            wrapper.name: self._mask(
                wrapper.name, wrapper.module, int(wrapper.module.out_channels * sparsity)
            )
            for wrapper, sparsity in zip(self._layers, sparsities, strict=True)
        }

    def _mask(self, name: str, convolution: nn.Conv2d, filters: int) -> Tensor:
        if (name, filters) not in self._filters:
            self._filters[name, filters] = layer_mask(self._base_algo, convolution, filters)
        return self._filters[name, filters]


def _scaled(sparsities: np.ndarray, factor: float) -> np.ndarray:
    return np.minimum(sparsities * factor, LARGEST)


def anneal(
    model: nn.Module, target: float | Budget, arguments: Mapping[str, Any], search: Search, stage: int = 0
) -> tuple[list[dict[str, Any]], ChannelMasks]:
    """The best candidate of an annealing.

    Args:
        model: the net; it is left as it is.
        target: share of the convolutions' weights to mask, above 0 and below 1, or a budget to meet.
        arguments: of NNI's class.
        search: where candidates are evaluated and recorded.
        stage: number of this annealing among those of the search, from 0.

    Returns:
        NNI's config list, an entry a convolution, and the masks of those convolutions.

    Raises:
        InfeasibleError: the budget cannot be met.
    """
    expected = cooling_steps(
        arguments["start_temperature"], arguments["stop_temperature"], arguments["cool_down_rate"]
    )
    journal = search.journal(f"annealing-{stage}", expected)

    # NNI draws from numpy's global generator.
    np.random.seed(derived_seed(search.seed, stage))
    budget = target if isinstance(target, Budget) else None
    config = all_convolutions(model, target.share if isinstance(target, Budget) else target)
    with tempfile.TemporaryDirectory() as folder:
        pruner = (_AnnealingWithin if budget else _BoundedAnnealing)(
            filters_as_rows(copy.deepcopy(model)),
            config,
            evaluator=evaluator_of(model, search, journal),
            experiment_data_dir=folder,
            **arguments,
        )
        pruner.journal, pruner.budget = journal, budget
        best = pruner.compress()
    pruner.note_acceptance()
    search.add_steps(journal)
    return pruner._best_config_list, wrapped_masks(best)


@dataclass(frozen=True)
class SimulatedAnnealing:
    """NNI's SimulatedAnnealingPruner; the arguments are NNI's."""

    base_algo: str
    start_temperature: float
    stop_temperature: float
    cool_down_rate: float
    perturbation_magnitude: float

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.Pruner.prune`."""
        return self._prune(model, sparsity, search)

    def prune_within(self, model: nn.Module, budget: Budget, search: Search) -> PrunedNet:
        """See `filterbench.pruners.contract.BudgetPruner.prune_within`."""
        return self._prune(model, budget, search)

    def _prune(self, model: nn.Module, target: float | Budget, search: Search) -> PrunedNet:
        _, masks = anneal(model, target, asdict(self), search)
        apply_masks(model, masks)
        return PrunedNet(model, masks)
