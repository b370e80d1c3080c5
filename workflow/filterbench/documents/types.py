"""The documents as types; what a key means stands in its schema, and a test holds the two to each other.

A cell whose target its pruner cannot reach has `infeasible`, its reason, in place of what was computed.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from filterbench.documents.parts import (
    BaselineCell,
    Cell,
    Check,
    Cost,
    ImageCounts,
    Layer,
    OneTarget,
    Pair,
    Provenance,
    Training,
)


class CellDocument(TypedDict):
    """What a stage's document of a cell has, whichever stage."""

    cell: Cell
    provenance: Provenance
    infeasible: NotRequired[str]


class Measured(TypedDict):
    """What a document has whose stage evaluated a net on the test images."""

    images: ImageCounts
    performance: dict[str, float]


class Tried(TypedDict):
    """What a combination of settings came to."""

    learning_rate: float
    epochs: int
    selection_accuracy: float


class TrainedDocument(TypedDict):
    """`baseline.json`, `finetune.json`, `equal.json`, `scratch-{budget}.json`."""

    cell: BaselineCell
    images: ImageCounts
    performance: dict[str, float]
    training: Training
    provenance: Provenance
    tuning: NotRequired[list[Tried]]
    budget: NotRequired[str]
    equal_training: NotRequired[dict[str, int]]
    own_weights: NotRequired[dict[str, str]]
    correct: NotRequired[str]
    infeasible: NotRequired[str]


class Sparsity(TypedDict):
    """The share of the weights that was pruned."""

    asked: NotRequired[float]
    reached: float


class BudgetUse(TypedDict):
    """What of a budget a net uses."""

    kind: str
    asked: float
    reached: float
    original: float
    pruned: float


class Scores(TypedDict):
    """What a search chose by."""

    best: float
    lowest: float
    chance: float
    choices: int
    blind_choices: int


class PruneDocument(TypedDict):
    """`prune.json`."""

    cell: Cell
    images: ImageCounts
    performance: dict[str, float]
    arguments: dict[str, Any]
    sparsity: Sparsity
    budget: NotRequired[BudgetUse]
    round_channels: NotRequired[int]
    layers: list[Layer]
    search: NotRequired[dict[str, Any]]
    scores: NotRequired[Scores]
    cost: Cost
    provenance: Provenance
    infeasible: NotRequired[str]


class SnapshotEntry(OneTarget):
    """A snapshot of a search path, in `trajectory.json`."""

    reached: float
    iterations: int
    candidates: int
    cost: Cost
    step: float
    asked: dict[str, float]


class TrajectoryDocument(TypedDict):
    """`trajectory.json`."""

    cell: BaselineCell
    images: ImageCounts
    arguments: dict[str, Any]
    search: dict[str, Any]
    key: str
    targets: list[SnapshotEntry]
    provenance: Provenance


class SpeedupDocument(TypedDict):
    """`speedup.json`."""

    cell: Cell
    images: ImageCounts
    performance: dict[str, float]
    layers: list[Layer]
    check: NotRequired[Check]
    provenance: Provenance
    infeasible: NotRequired[str]


class SecondCounter(TypedDict):
    """What the second counter says."""

    name: str
    params: Pair
    conv_linear_macs: Pair


class CountDocument(TypedDict):
    """`count.json`."""

    cell: Cell
    convention: str
    input_shape: list[int]
    params: Pair
    flops: Pair
    conv_linear_macs: Pair
    second_counter: SecondCounter
    provenance: Provenance
    infeasible: NotRequired[str]


class ResultDocument(TypedDict):
    """`result.json`, in the published format."""

    performance: dict[str, float]
    params: Pair
    flops: Pair
    infeasible: NotRequired[str]
