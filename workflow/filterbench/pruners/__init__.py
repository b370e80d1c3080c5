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
    """

    paper: str
    make: Callable[[Mapping[str, Any]], Pruner]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _one_shot(nni_class: str) -> Callable[[Mapping[str, Any]], Pruner]:
    def make(arguments: Mapping[str, Any]) -> Pruner:
        from filterbench.pruners.one_shot import OneShot

        return OneShot(nni_class, **arguments)

    return make


_ONE_SHOT_ARGUMENTS = {"dependency_aware": False}

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
}
