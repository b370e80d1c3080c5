"""The pruners of a study, by NNI's class name.

This module imports neither torch nor NNI, so that a study can be checked quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filterbench.pruners.masking import Pruner


@dataclass(frozen=True)
class PrunerEntry:
    """What the workflow needs to know of a pruner.

    Attributes:
        paper: the source of the algorithm.
        make: makes the pruner from the study's arguments.
        arguments: the arguments that a study may set, with their defaults.
        searches: whether it evaluates candidates.
        trajectory: whether its way to a sparsity passes through those to all lower ones.
        searches_budgets: whether it can search under a budget of FLOPs or latency.
    """

    paper: str
    make: Callable[[Mapping[str, Any]], Pruner]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    searches: bool = False
    trajectory: bool = False
    searches_budgets: bool = False

    @property
    def takes_budgets(self) -> bool:
        """Whether a budget can be its target; for a pruner that does not search, a sparsity is found."""
        return self.searches_budgets or not self.searches


def _one_shot(nni_class: str) -> Callable[[Mapping[str, Any]], Pruner]:
    def make(arguments: Mapping[str, Any]) -> Pruner:
        from filterbench.pruners.one_shot import OneShot

        return OneShot(nni_class, **arguments)

    return make


def _annealing(arguments: Mapping[str, Any]) -> Pruner:
    from filterbench.pruners.annealing import SimulatedAnnealing

    return SimulatedAnnealing(arguments)


def _net_adapt(arguments: Mapping[str, Any]) -> Pruner:
    from filterbench.pruners.net_adapt import NetAdapt

    return NetAdapt(arguments)


def _auto_compress(arguments: Mapping[str, Any]) -> Pruner:
    from filterbench.pruners.auto_compress import AutoCompress

    return AutoCompress(arguments)


_ONE_SHOT_ARGUMENTS = {"dependency_aware": False}
_ANNEALING_ARGUMENTS = {
    "base_algo": "l1",
    "start_temperature": 100,
    "stop_temperature": 20,
    "cool_down_rate": 0.9,
    "perturbation_magnitude": 0.35,
}

PRUNERS: dict[str, PrunerEntry] = {
    "L1FilterPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710", _one_shot("L1FilterPruner"), _ONE_SHOT_ARGUMENTS
    ),
    "L2FilterPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, by the L2 norm", _one_shot("L2FilterPruner"), _ONE_SHOT_ARGUMENTS
    ),
    "FPGMPruner": PrunerEntry(
        "He et al. 2018, arXiv:1811.00250", _one_shot("FPGMPruner"), _ONE_SHOT_ARGUMENTS
    ),
    "NetAdaptPruner": PrunerEntry(
        "Yang et al. 2018, arXiv:1804.03230",
        _net_adapt,
        {
            "base_algo": "l1",
            "sparsity_per_iteration": 0.05,
            "short_term_steps": 100,
            "short_term_learning_rate": 0.001,
        },
        searches=True,
        trajectory=True,
        searches_budgets=True,
    ),
    "SimulatedAnnealingPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141, section 3.2",
        _annealing,
        _ANNEALING_ARGUMENTS,
        searches=True,
        searches_budgets=True,
    ),
    "AutoCompressPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141",
        _auto_compress,
        {
            "num_iterations": 3,
            **_ANNEALING_ARGUMENTS,
            "admm_num_iterations": 30,
            "admm_epochs_per_iteration": 5,
            "row": 1e-4,
        },
        searches=True,
    ),
}


def arguments_of(pruner: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a pruner: its defaults, with a study's changes."""
    return {**PRUNERS[pruner].arguments, **changes}
