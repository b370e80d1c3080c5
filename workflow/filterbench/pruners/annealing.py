"""Simulated annealing over the layers' sparsities (NNI's SimulatedAnnealingPruner).

The search is that of Liu et al. 2019 (arXiv:1907.03141, section 3.2): perturb the sparsities, keep their
weighted mean, accept what is better, and what is worse with a probability that falls as it cools.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from filterbench.nni_adaptor import (
    SimulatedAnnealingPruner,
    all_convolutions,
    apply_masks,
    filters_as_rows,
    wrapped_masks,
)
from filterbench.pruners.journal import Journal
from filterbench.pruners.masking import ChannelMasks, PrunedNet
from filterbench.pruners.searching import Search, cooling_steps, derived_seed, fingerprint, sparsities_of
from filterbench.pruners.sparsity_sampling import draw_sparsities

DRAWS_AT_A_MAGNITUDE = 1000


class _BoundedAnnealing(SimulatedAnnealingPruner):
    """NNI's annealing, whose draws end for every target and whose steps are recorded."""

    journal: Journal

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
                proposal = np.clip(self._sparsities + change, 0, None)
                proposal = self._rescale_sparsities(proposal, target_sparsity=self._sparsity)
                if proposal is not None and proposal[-1] < 1:
                    self._proposal = proposal
                    return proposal
            magnitude /= 2

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
        search.count_evaluation()
        return journal.score(
            sparsities_of(masks), fingerprint(masks), lambda: search.evaluate_masked(model, masks, masked)
        )

    return evaluator


def anneal(
    model: nn.Module, sparsity: float, arguments: Mapping[str, Any], search: Search, stage: int = 0
) -> tuple[list[dict[str, Any]], ChannelMasks]:
    """The best candidate of an annealing.

    Args:
        model: the net; it is left as it is.
        sparsity: share of the convolutions' weights to mask, above 0 and below 1.
        arguments: of NNI's class.
        search: where candidates are evaluated and recorded.
        stage: number of this annealing among those of the search, from 0.

    Returns:
        NNI's config list, an entry a convolution, and the masks of those convolutions.
    """
    expected = cooling_steps(
        arguments["start_temperature"], arguments["stop_temperature"], arguments["cool_down_rate"]
    )
    journal = search.journal(f"annealing-{stage}", expected)

    # NNI draws from numpy's global generator.
    np.random.seed(derived_seed(search.seed, stage))
    config = all_convolutions(model, sparsity)
    with tempfile.TemporaryDirectory() as folder:
        pruner = _BoundedAnnealing(
            filters_as_rows(copy.deepcopy(model)),
            config,
            evaluator=evaluator_of(model, search, journal),
            experiment_data_dir=folder,
            **arguments,
        )
        pruner.journal = journal
        best = pruner.compress()
    pruner.note_acceptance()
    search.add_steps(journal)
    return pruner._best_config_list, wrapped_masks(best)


@dataclass(frozen=True)
class SimulatedAnnealing:
    """NNI's SimulatedAnnealingPruner.

    Attributes:
        arguments: all of NNI's arguments.
    """

    arguments: Mapping[str, Any]

    def prune(self, model: nn.Module, sparsity: float, search: Search) -> PrunedNet:
        """See `filterbench.pruners.masking.Pruner.prune`."""
        _, masks = anneal(model, sparsity, self.arguments, search)
        apply_masks(model, masks)
        return PrunedNet(model, masks)
