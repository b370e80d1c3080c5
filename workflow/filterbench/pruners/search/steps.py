"""What an iteration of NetAdapt prunes, for the search path in `filterbench.pruners.search.net_adapt`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from filterbench.compaction.masks import ChannelMasks
from filterbench.pruners.uniform import prunable_convolutions

# Below this step the search gives up; a share of the weights or of the unpruned net's cost.
SMALLEST_STEP = 1e-3
# Sums and quotients of steps are inexact by less than this: eight additions of 0.1 give less than 0.8.
ROUNDING = 1e-9


@dataclass(frozen=True)
class NetAdaptArguments:
    """What a study sets for NetAdapt; `filterbench.pruners.arguments` says what each argument means."""

    base_algo: str
    sparsity_per_iteration: float
    short_term_steps: int
    short_term_learning_rate: float
    short_term_weight_decay: float
    halve_step: bool


@dataclass(frozen=True)
class Candidate:
    """One layer pruned further.

    Attributes:
        index: number of the layer among the prunable ones, from 0.
        layer: its name.
        sparsity: the share of its filters to prune in all; only whole filters go, so it may be fewer.
        masks: of all convolutions pruned so far, this one included.
    """

    index: int
    layer: str
    sparsity: float
    masks: ChannelMasks


class Steps(ABC):
    """What the iterations of a search path prune.

    Attributes:
        step: how much an iteration prunes.
        asked: by layer, the sparsity of the last candidate that was taken; empty where nothing depends on it.
        prunable: names of the layers that can be pruned.
    """

    def __init__(self, model: nn.Module, arguments: NetAdaptArguments) -> None:
        self.step = arguments.sparsity_per_iteration
        self.asked: dict[str, float] = {}
        self.prunable = list(prunable_convolutions(model))
        self._algorithm = arguments.base_algo

    @abstractmethod
    def in_order(self, targets: Sequence[float]) -> list[float]:
        """Targets in the order in which the search path reaches them."""

    @abstractmethod
    def iterations(self, targets: Sequence[float]) -> int:
        """About how many iterations the targets take."""

    @abstractmethod
    def share(self, kept: ChannelMasks) -> float:
        """The progress of the search path, in the unit of the targets."""

    @abstractmethod
    def reached(self, target: float, kept: ChannelMasks) -> bool:
        """Whether the search path has reached a target."""

    @abstractmethod
    def shared(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """Each layer that can give the next step that the paths to a target and to all harder ones share.

        The list is empty where the target is reached, where its own steps begin, or where all steps are too
        large.
        """

    @abstractmethod
    def exhausted(self, kept: ChannelMasks) -> str:
        """Why there is no candidate."""

    def own(self, model: nn.Module, kept: ChannelMasks, target: float) -> list[Candidate]:
        """Each layer that can give a step of the target's own; empty where all steps are too large."""
        return []

    def take(self, candidate: Candidate) -> None:  # noqa: B027
        """Continue from a candidate."""

    def restore(self, reached: float, step: float, asked: Mapping[str, float]) -> None:
        """Continue from a snapshot: its share, its step and what it had asked for."""
        self.step, self.asked = step, dict(asked)
