"""A budget of FLOPs or latency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from filterbench.compaction.masks import ChannelMasks

# A net that ends this far below a budget still uses it; a share of the budget.
SLACK = 0.02


@dataclass(frozen=True)
class Budget:
    """What a net may cost.

    Attributes:
        share: of the unpruned net's cost, above 0 and below 1.
        cost: of a masked net's compact form, above 0; it never rises when channels go.
    """

    share: float
    cost: Callable[[ChannelMasks], float]

    @cached_property
    def original(self) -> float:
        """What the unpruned net costs."""
        return self.cost({})

    def reached(self, masks: ChannelMasks) -> float:
        """The share of the unpruned net's cost that is left."""
        return self.cost(masks) / self.original

    def met(self, masks: ChannelMasks) -> bool:
        """Whether a net costs no more than the budget."""
        return self.reached(masks) <= self.share

    def used(self, masks: ChannelMasks) -> bool:
        """Whether a net that meets the budget lies within `SLACK` of it."""
        return self.reached(masks) >= (1 - SLACK) * self.share
