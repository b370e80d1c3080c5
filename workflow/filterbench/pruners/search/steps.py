"""What an iteration of NetAdapt prunes, for the search path in `filterbench.pruners.search.net_adapt`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from filterbench.compaction.masks import ChannelMasks

# A step below which the search gives up, as a share of the weights or of the unpruned net's cost.
SMALLEST_STEP = 1e-3


@dataclass(frozen=True)
class Candidate:
    """One layer pruned further.

    Attributes:
        index: number of the layer among the prunable ones, from 0.
        layer: its name.
        sparsity: the share of its filters that is to go in all; whole filters go, so that fewer may.
        masks: of all convolutions that have been pruned, this one included.
    """

    index: int
    layer: str
    sparsity: float
    masks: ChannelMasks


class Steps(Protocol):
    """What the iterations of a search path prune.

    Attributes:
        layers: how many layers can be pruned.
        step: how much an iteration prunes now.
        asked: by layer, the sparsity of the last candidate that was taken; empty where nothing depends on it.
    """

    layers: int
    step: float
    asked: dict[str, float]

    def in_order(self, targets: Sequence[float]) -> list[float]:
        """Targets in the order in which the search path comes to them."""

    def iterations(self, targets: Sequence[float]) -> int:
        """About how many iterations the targets take."""

    def share(self, kept: ChannelMasks) -> float:
        """Where the search path stands, in the unit of the targets."""

    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """Whether it has come to a target."""

    def shared(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """Each layer that can give the next step that the ways to a target and to all harder ones share.

        None where the target is reached, where its own steps begin, or where all steps are too large.
        """

    def own(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """Each layer that can give a step to the target alone; none where all steps are too large."""

    def take(self, candidate: Candidate) -> None:
        """Go on from a candidate."""

    def restore(self, reached: float, step: float, asked: Mapping[str, float]) -> None:
        """Go on from where another process stood: its share, its step and what it had asked for."""

    def exhausted(self, kept: ChannelMasks) -> str:
        """Why there is no candidate."""
