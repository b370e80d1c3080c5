"""The pruners of a study, named like NNI's classes.

This module imports neither torch nor NNI, so that a study can be checked quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal

from filterbench.domain.controls import LAYERS, UNIFORM, UNIFORM_ABOVE, UNIFORM_FLOPS, UNIFORM_SPARING
from filterbench.pruners.arguments import (
    ANNEALING,
    AUTO_COMPRESS,
    EAGLE_EYE,
    FEATURE_MAPS,
    GIVEN_LAYERS,
    GROUPS,
    LAYER_MAPS,
    NET_ADAPT,
    ONE_SHOT,
    SENSITIVITY,
    SINGLE_IMAGES,
    TAYLOR,
    Argument,
)

# By name of an argument, its place in the documents of another cell.
Matched = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class PrunerEntry:
    """A pruner as the workflow knows it before it runs.

    Attributes:
        paper: the source of the algorithm.
        pruner: "module:Class"; the class takes the arguments.
        arguments: the arguments that a study may set, as `filterbench.pruners.arguments` declares them.
        search: `none`; `candidates`, if each target has a search of its own; `path`, if one search path
            serves all targets.
        budgets: whether a budget of FLOPs or latency can be its target. A pruner that does not search for
            budgets itself meets one at a suitable sparsity.
        control: whether it is for comparison only, and never recommended (docs/controls.md).
        searched: of a matched control, the pruner whose cells it is compared with.
        matched: of a matched control, arguments that come from the compared cell with the same model,
            sparsity and seed: the place of each, as (kind of document, key, key, ...).
        search_settings: how its candidates are judged and trained, where this differs from the study's
            `search`.
        compact: whether it gives a compact net, not masks.
    """

    paper: str
    pruner: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    search: Literal["none", "candidates", "path"] = "none"
    budgets: bool = True
    control: bool = False
    searched: str = ""
    matched: Matched = field(default_factory=dict)
    search_settings: Mapping[str, Any] = field(default_factory=dict)
    compact: bool = False

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


_SEARCHED_BASE: Matched = {"base_algo": ("prune", "arguments", "base_algo")}


def _control_of(searched: str, pruner: str, what: str, matched: Matched) -> PrunerEntry:
    """A control whose cells are matched to those of another pruner."""
    return PrunerEntry(
        f"Li et al. 2016, arXiv:1608.08710, {what} of {searched}'s net",
        pruner,
        budgets=False,
        control=True,
        searched=searched,
        matched=matched,
    )


def _uniform_as(
    searched: str, arguments: Mapping[str, Argument], pruner: str = "UniformAllocation"
) -> PrunerEntry:
    """One sparsity for all layers, at the params of another pruner's net."""
    matched = {**_base_of(arguments), "params": ("count", "params", "speedup")}
    return _control_of(searched, f"filterbench.pruners.controls:{pruner}", "at the params", matched)


def _uniform_flops_as(searched: str, arguments: Mapping[str, Argument]) -> PrunerEntry:
    """One sparsity for all layers, at the FLOPs of another pruner's net."""
    matched = {**_base_of(arguments), "flops": ("count", "flops", "speedup")}
    return _control_of(searched, "filterbench.pruners.controls:UniformFlops", "at the FLOPs", matched)


def _base_of(arguments: Mapping[str, Argument]) -> Matched:
    """Where a pruner's documents hold `base_algo`, if that is one of its arguments."""
    return _SEARCHED_BASE if "base_algo" in arguments else {}


def _layers_of(searched: str, arguments: Mapping[str, Argument], compact: bool = False) -> PrunerEntry:
    """The layers of another pruner's net, cut from the unpruned net."""
    cut = "GivenCompactLayers" if compact else "GivenLayers"
    matched: Matched = {"layers": ("prune", "layers")}
    if "rounds" in arguments:
        # The number of rounds decides whether that net is compact.
        cut, matched = "GivenRoundLayers", {**matched, "rounds": ("prune", "arguments", "rounds")}
    return _control_of(searched, f"filterbench.pruners.given_layers:{cut}", "with the layers", matched)


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
        compact=True,
    ),
    "TunedAnnealingPruner": PrunerEntry(
        "Liu et al. 2019, arXiv:1907.03141, section 3.2, with candidates trained before they are judged",
        "filterbench.pruners.search.annealing:SimulatedAnnealing",
        ANNEALING,
        search="candidates",
        search_settings={"tune_steps": 20},
    ),
    "EagleEyePruner": PrunerEntry(
        "Li et al. 2020, arXiv:2007.02491",
        "filterbench.pruners.search.eagle_eye:EagleEye",
        EAGLE_EYE,
        search="candidates",
        search_settings={"recalibrate": 1000},
    ),
    "SensitivityPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, section 3.2, each layer at the same loss of accuracy",
        "filterbench.pruners.search.equal_loss:BySensitivity",
        SENSITIVITY,
        search="candidates",
    ),
    "GroupNormPruner": PrunerEntry(
        "Fang et al. 2023, arXiv:2301.12900", "filterbench.pruners.criteria:GroupNorm", GROUPS
    ),
    "BNScalePruner": PrunerEntry(
        "Liu et al. 2017, arXiv:1708.06519", "filterbench.pruners.criteria:BNScale", GROUPS
    ),
    "TaylorPruner": PrunerEntry(
        "Molchanov et al. 2019, arXiv:1906.10771", "filterbench.pruners.criteria:Taylor", TAYLOR
    ),
    "LAMPPruner": PrunerEntry(
        "Lee et al. 2021, arXiv:2010.07611", "filterbench.pruners.criteria:LAMP", GROUPS
    ),
    "GroupL1Pruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, for groups", "filterbench.pruners.criteria:GroupL1", GROUPS
    ),
    "GroupFPGMPruner": PrunerEntry(
        "He et al. 2018, arXiv:1811.00250, for groups", "filterbench.pruners.criteria:GroupFPGM", GROUPS
    ),
    "HessianPruner": PrunerEntry(
        "LeCun et al. 1989, optimal brain damage, for groups",
        "filterbench.pruners.criteria:Hessian",
        SINGLE_IMAGES,
    ),
    "OBDCPruner": PrunerEntry(
        "Wang et al. 2019, arXiv:1905.05934, C-OBD", "filterbench.pruners.criteria:OBDC", SINGLE_IMAGES
    ),
    "SynFlowPruner": PrunerEntry(
        "Tanaka et al. 2020, arXiv:2006.05467", "filterbench.pruners.criteria:SynFlow", GROUPS
    ),
    "HRankPruner": PrunerEntry(
        "Lin et al. 2020, arXiv:2002.10179", "filterbench.pruners.feature_maps:HRank", LAYER_MAPS
    ),
    "CHIPPruner": PrunerEntry(
        "Sui et al. 2021, arXiv:2110.13981", "filterbench.pruners.feature_maps:CHIP", LAYER_MAPS
    ),
    "APoZPruner": PrunerEntry(
        "Hu et al. 2016, arXiv:1607.03250", "filterbench.pruners.feature_maps:APoZ", FEATURE_MAPS
    ),
    "MeanActivationPruner": PrunerEntry(
        "Molchanov et al. 2016, arXiv:1611.06440",
        "filterbench.pruners.feature_maps:MeanActivation",
        LAYER_MAPS,
    ),
    "GroupRandomPruner": PrunerEntry(
        "Mittal et al. 2018, arXiv:1801.10447, for groups",
        "filterbench.pruners.criteria:GroupRandom",
        GROUPS,
        control=True,
    ),
    "GivenLayersPruner": PrunerEntry(
        "Li et al. 2016, arXiv:1608.08710, with the layers that a study gives",
        "filterbench.pruners.given_layers:OwnLayers",
        GIVEN_LAYERS,
        budgets=False,
    ),
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
    "UniformAllocationPruner": _uniform_as("SimulatedAnnealingPruner", ANNEALING),
    "UniformAsNetAdaptPruner": _uniform_as("NetAdaptPruner", NET_ADAPT),
    "UniformAsAutoCompressPruner": _uniform_as("AutoCompressPruner", AUTO_COMPRESS),
    "UniformAboveAutoCompressPruner": _uniform_as("AutoCompressPruner", AUTO_COMPRESS, "UniformAbove"),
    "UniformSparingAutoCompressPruner": _uniform_as("AutoCompressPruner", AUTO_COMPRESS, "UniformSparing"),
    "UniformFlopsAsAutoCompressPruner": _uniform_flops_as("AutoCompressPruner", AUTO_COMPRESS),
    "LayersOfNetAdaptPruner": _layers_of("NetAdaptPruner", NET_ADAPT),
    "LayersOfAutoCompressPruner": _layers_of("AutoCompressPruner", AUTO_COMPRESS, compact=True),
}


# Controls that every pruner can have, by the prefix before that pruner's name.
_CONTROLS_OF: dict[str, Callable[[str, PrunerEntry], PrunerEntry]] = {
    LAYERS: lambda name, entry: _layers_of(name, entry.arguments, entry.compact),
    UNIFORM: lambda name, entry: _uniform_as(name, entry.arguments),
    UNIFORM_ABOVE: lambda name, entry: _uniform_as(name, entry.arguments, "UniformAbove"),
    UNIFORM_SPARING: lambda name, entry: _uniform_as(name, entry.arguments, "UniformSparing"),
    UNIFORM_FLOPS: lambda name, entry: _uniform_flops_as(name, entry.arguments),
}


def control_of(name: str) -> tuple[str, PrunerEntry] | None:
    """The control with a name such as `LayersOfL1FilterPruner`; None for any other name.

    Returns:
        The name of a control of the same kind that `PRUNERS` lists, and the entry.
    """
    for prefix, make in _CONTROLS_OF.items():
        searched = name.removeprefix(prefix)
        if searched != name and searched in PRUNERS:
            return f"{prefix}AutoCompressPruner", make(searched, PRUNERS[searched])
    return None


def controls() -> list[str]:
    """The pruners that are for comparison only, and never recommended."""
    return [name for name, entry in PRUNERS.items() if entry.control]


def arguments_of(pruner: str, *changes: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a pruner: its defaults with the changes, of which later ones win."""
    arguments = {name: argument["default"] for name, argument in PRUNERS[pruner].arguments.items()}
    for change in changes:
        arguments |= change
    return arguments
