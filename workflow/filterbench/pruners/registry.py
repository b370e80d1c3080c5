"""The pruners of a study, by NNI's class name or in its style.

This module imports neither torch nor NNI, so that a study can be checked quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class PrunerEntry:
    """What the workflow needs to know of a pruner.

    Attributes:
        paper: the source of the algorithm.
        pruner: "module:Class"; the class takes the arguments.
        arguments: the arguments that a study may set, with their defaults.
        searches: whether it evaluates candidates.
        trajectory: whether its way to a sparsity passes through those to all lower ones.
        control: whether it is there to be compared with, not to be recommended (docs/controls.md).
        matched: further arguments, which the cell of `SEARCHED` with the same model, sparsity and seed
            decides: where each stands, as (kind of document, key, key, ...).
        searches_budgets: whether it can search under a budget of FLOPs or latency.
    """

    paper: str
    pruner: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    searches: bool = False
    trajectory: bool = False
    control: bool = False
    matched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    searches_budgets: bool = False

    def make(self, arguments: Mapping[str, Any]) -> Any:
        """The pruner with these arguments (see `filterbench.pruners.contract`)."""
        return resolve_name(self.pruner)(**arguments)

    @property
    def takes_budgets(self) -> bool:
        """Whether a budget can be its target; for a pruner that does not search, a sparsity is found.

        A control that is matched to a searched cell takes that cell's.
        """
        return self.searches_budgets or not (self.searches or self.matched)


def make_pruner(name: str, arguments: Mapping[str, Any]) -> Any:
    """A pruner with its arguments; see `PrunerEntry.make`.

    Args:
        name: a key of `PRUNERS`.
        arguments: all of them.
    """
    return PRUNERS[name].make(arguments)


# The pruner whose search the matched controls question.
SEARCHED = "SimulatedAnnealingPruner"

_ONE_SHOT_ARGUMENTS = {"dependency_aware": False}
_GROUP_ARGUMENTS = {"global_pruning": True}
_ANNEALING_ARGUMENTS = {
    "base_algo": "l1",
    "start_temperature": 100,
    "stop_temperature": 20,
    "cool_down_rate": 0.9,
    "perturbation_magnitude": 0.35,
}
_SEARCHED_BASE = {"base_algo": ("prune", "arguments", "base_algo")}

PRUNERS: dict[str, PrunerEntry] = {
    "L1FilterPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710", "filterbench.pruners.one_shot:L1Filter", _ONE_SHOT_ARGUMENTS
    ),
    "L2FilterPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, by the L2 norm",
        "filterbench.pruners.one_shot:L2Filter",
        _ONE_SHOT_ARGUMENTS,
    ),
    "FPGMPruner": PrunerEntry(
        "He et al. 2018, arXiv:1811.00250", "filterbench.pruners.one_shot:FPGM", _ONE_SHOT_ARGUMENTS
    ),
    "NetAdaptPruner": PrunerEntry(
        "Yang et al. 2018, arXiv:1804.03230",
        "filterbench.pruners.search.net_adapt:NetAdapt",
        {
            "base_algo": "l1",
            "sparsity_per_iteration": 0.05,
            "short_term_steps": 100,
            "short_term_learning_rate": 0.001,
            "short_term_weight_decay": 0.0,
            "halve_step": False,
        },
        searches=True,
        trajectory=True,
        searches_budgets=True,
    ),
    "SimulatedAnnealingPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141, section 3.2",
        "filterbench.pruners.search.annealing:SimulatedAnnealing",
        _ANNEALING_ARGUMENTS,
        searches=True,
        searches_budgets=True,
    ),
    "AutoCompressPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141",
        "filterbench.pruners.search.auto_compress:AutoCompress",
        {
            "num_iterations": 3,
            **_ANNEALING_ARGUMENTS,
            "admm_num_iterations": 30,
            "admm_epochs_per_iteration": 5,
            "row": 1e-4,
        },
        searches=True,
    ),
    "GroupNormPruner": PrunerEntry(
        "Fang et al. 2023, arXiv:2301.12900", "filterbench.pruners.groups:GroupNorm", _GROUP_ARGUMENTS
    ),
    "BNScalePruner": PrunerEntry(
        "Liu et al. 2017, arXiv:1708.06519", "filterbench.pruners.groups:BNScale", _GROUP_ARGUMENTS
    ),
    "TaylorPruner": PrunerEntry(
        "Molchanov et al. 2019, arXiv:1906.10771",
        "filterbench.pruners.groups:Taylor",
        {**_GROUP_ARGUMENTS, "images": 1024},
    ),
    "LAMPPruner": PrunerEntry(
        "Lee et al. 2021, arXiv:2010.07611", "filterbench.pruners.groups:LAMP", _GROUP_ARGUMENTS
    ),
    "RandomFilterPruner": PrunerEntry(
        "Mittal et al. 2018, arXiv:1801.10447", "filterbench.pruners.controls:RandomFilters", control=True
    ),
    "RandomAllocationPruner": PrunerEntry(
        "random search: Li & Talwalkar 2019, arXiv:1902.07638",
        "filterbench.pruners.controls:RandomAllocation",
        searches=True,
        control=True,
        matched={**_SEARCHED_BASE, "evaluations": ("prune", "cost", "evaluations")},
    ),
    "UniformAllocationPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, at the searched cell's params",
        "filterbench.pruners.controls:UniformAllocation",
        control=True,
        matched={**_SEARCHED_BASE, "params": ("count", "params", "speedup")},
    ),
}


def arguments_of(pruner: str, *changes: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a pruner: its defaults, with one change after the other."""
    arguments = dict(PRUNERS[pruner].arguments)
    for change in changes:
        arguments |= change
    return arguments
