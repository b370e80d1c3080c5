"""The pruners of a study, by NNI's class name or in its style.

This module imports neither torch nor NNI, so that a study can be checked quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal

from filterbench.pruners.arguments import (
    ANNEALING,
    AUTO_COMPRESS,
    GROUPS,
    NET_ADAPT,
    ONE_SHOT,
    TAYLOR,
    Argument,
)


@dataclass(frozen=True)
class PrunerEntry:
    """What the workflow needs to know of a pruner.

    Attributes:
        paper: the source of the algorithm.
        pruner: "module:Class"; the class takes the arguments.
        arguments: the arguments that a study may set, as `filterbench.pruners.arguments` declares them.
        search: `none`; `candidates`, where it evaluates candidates for each target anew; `path`, where one
            search path serves all targets.
        budgets: whether a budget of FLOPs or latency can be its target. A pruner without a search of its own
            for budgets meets one by the sparsity at which it does.
        control: whether it is there to be compared with, not to be recommended (docs/controls.md).
        searched: of a matched control, the pruner whose cells it is compared with.
        matched: of such a control, further arguments, which the searched cell with the same model, sparsity
            and seed decides: where each stands, as (kind of document, key, key, ...).
        search_settings: how its candidates are judged and trained, where not as the study says for all.
    """

    paper: str
    pruner: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    search: Literal["none", "candidates", "path"] = "none"
    budgets: bool = True
    control: bool = False
    searched: str = ""
    matched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    search_settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def searches(self) -> bool:
        """Whether it evaluates candidates."""
        return self.search != "none"

    def make(self, arguments: Mapping[str, Any]) -> Any:
        """The pruner with these arguments (see `filterbench.pruners.contract`)."""
        return resolve_name(self.pruner)(**arguments)


def make_pruner(name: str, arguments: Mapping[str, Any]) -> Any:
    """A pruner with its arguments; see `PrunerEntry.make`.

    Args:
        name: a key of `PRUNERS`.
        arguments: all of them.
    """
    return PRUNERS[name].make(arguments)


_SEARCHED_BASE = {"base_algo": ("prune", "arguments", "base_algo")}


def _uniform_as(searched: str) -> PrunerEntry:
    """One sparsity for all layers, at the params of a searched pruner's net."""
    return PrunerEntry(
        f"Li et al. 2016, arXiv:1608.08710, at the params of {searched}'s net",
        "filterbench.pruners.controls:UniformAllocation",
        budgets=False,
        control=True,
        searched=searched,
        matched={**_SEARCHED_BASE, "params": ("count", "params", "speedup")},
    )


PRUNERS: dict[str, PrunerEntry] = {
    "L1FilterPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710", "filterbench.pruners.one_shot:L1Filter", ONE_SHOT
    ),
    "L2FilterPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, by the L2 norm", "filterbench.pruners.one_shot:L2Filter", ONE_SHOT
    ),
    "FPGMPruner": PrunerEntry(
        "He et al. 2018, arXiv:1811.00250", "filterbench.pruners.one_shot:FPGM", ONE_SHOT
    ),
    "NetAdaptPruner": PrunerEntry(
        "Yang et al. 2018, arXiv:1804.03230",
        "filterbench.pruners.search.net_adapt:NetAdapt",
        NET_ADAPT,
        search="path",
    ),
    "SimulatedAnnealingPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141, section 3.2",
        "filterbench.pruners.search.annealing:SimulatedAnnealing",
        ANNEALING,
        search="candidates",
    ),
    "AutoCompressPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141",
        "filterbench.pruners.search.auto_compress:AutoCompress",
        AUTO_COMPRESS,
        search="candidates",
        budgets=False,
    ),
    "TunedAnnealingPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141, section 3.2, with candidates trained before they are judged",
        "filterbench.pruners.search.annealing:SimulatedAnnealing",
        ANNEALING,
        search="candidates",
        search_settings={"tune_steps": 20},
    ),
    "GroupNormPruner": PrunerEntry(
        "Fang et al. 2023, arXiv:2301.12900", "filterbench.pruners.groups:GroupNorm", GROUPS
    ),
    "BNScalePruner": PrunerEntry(
        "Liu et al. 2017, arXiv:1708.06519", "filterbench.pruners.groups:BNScale", GROUPS
    ),
    "TaylorPruner": PrunerEntry(
        "Molchanov et al. 2019, arXiv:1906.10771", "filterbench.pruners.groups:Taylor", TAYLOR
    ),
    "LAMPPruner": PrunerEntry("Lee et al. 2021, arXiv:2010.07611", "filterbench.pruners.groups:LAMP", GROUPS),
    "RandomFilterPruner": PrunerEntry(
        "Mittal et al. 2018, arXiv:1801.10447", "filterbench.pruners.controls:RandomFilters", control=True
    ),
    "RandomAllocationPruner": PrunerEntry(
        "random search: Li & Talwalkar 2019, arXiv:1902.07638",
        "filterbench.pruners.controls:RandomAllocation",
        search="candidates",
        budgets=False,
        control=True,
        searched="SimulatedAnnealingPruner",
        matched={**_SEARCHED_BASE, "evaluations": ("prune", "cost", "evaluations")},
    ),
    "UniformAllocationPruner": _uniform_as("SimulatedAnnealingPruner"),
    "UniformAsNetAdaptPruner": _uniform_as("NetAdaptPruner"),
    "UniformAsAutoCompressPruner": _uniform_as("AutoCompressPruner"),
}


def controls() -> list[str]:
    """The pruners that are there to be compared with, not to be recommended."""
    return [name for name, entry in PRUNERS.items() if entry.control]


def arguments_of(pruner: str, *changes: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a pruner: its defaults, with one change after the other."""
    arguments = {name: argument["default"] for name, argument in PRUNERS[pruner].arguments.items()}
    for change in changes:
        arguments |= change
    return arguments
