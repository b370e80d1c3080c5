"""The documents as types; the schemas explain the keys, and a test keeps the two in step.

Where a pruner cannot reach a cell's target, `infeasible` gives the reason and the results are absent.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from filterbench.documents.parts import (
    BaselineCell,
    CellRecord,
    Check,
    CostRecord,
    ImageCounts,
    LayerRecord,
    OneTarget,
    Pair,
    Provenance,
    Training,
)
from filterbench.domain.spending import Settings


class CellDocument(TypedDict):
    """Keys of every stage's document of a cell."""

    cell: CellRecord
    provenance: Provenance
    infeasible: NotRequired[str]


class Measured(TypedDict):
    """Keys of a document whose stage evaluated a net on the test images."""

    images: ImageCounts
    performance: dict[str, float]


class Tried(TypedDict):
    """The result of one combination of tuned settings."""

    learning_rate: float
    epochs: int
    selection_accuracy: float


class TrainedDocument(Measured):
    """`baseline.json`, `sparse.json`, `finetune.json`, `equal.json`, `scratch-{budget}.json`."""

    cell: BaselineCell
    training: Training
    provenance: Provenance
    tuning: NotRequired[list[Tried]]
    budget: NotRequired[str]
    equal_training: NotRequired[dict[str, int]]
    own_weights: NotRequired[dict[str, str]]
    copies: NotRequired[int]
    classes: NotRequired[list[str]]
    correct: NotRequired[str]
    top5: NotRequired[float]
    infeasible: NotRequired[str]


class Sparsity(TypedDict):
    """The share of the weights that was pruned."""

    asked: NotRequired[float]
    reached: float


class BudgetUse(TypedDict):
    """A budget and how much of it a net uses."""

    kind: str
    asked: float
    reached: float
    original: float
    pruned: float


class Scores(TypedDict):
    """The scores that a search chose by."""

    best: float
    lowest: float
    chance: float
    choices: int
    blind_choices: int


class PruneDocument(CellDocument, Measured):
    """`prune.json`."""

    arguments: Settings
    sparsity: Sparsity
    budget: NotRequired[BudgetUse]
    round_channels: NotRequired[int]
    layers: list[LayerRecord]
    search: NotRequired[Settings]
    scores: NotRequired[Scores]
    cost: CostRecord


class SnapshotEntry(OneTarget):
    """A snapshot of a search path, in `trajectory.json`."""

    reached: float
    iterations: int
    candidates: int
    cost: CostRecord
    step: float
    asked: dict[str, float]


class TrajectoryDocument(TypedDict):
    """`trajectory.json`."""

    cell: BaselineCell
    images: ImageCounts
    arguments: Settings
    search: Settings
    key: str
    targets: list[SnapshotEntry]
    provenance: Provenance


class SpeedupDocument(CellDocument, Measured):
    """`speedup.json`."""

    layers: list[LayerRecord]
    check: NotRequired[Check]


class SecondCounter(TypedDict):
    """The second counter's counts."""

    name: str
    params: Pair
    conv_linear_macs: Pair


class CountDocument(CellDocument):
    """`count.json`."""

    convention: str
    input_shape: list[int]
    params: Pair
    flops: Pair
    conv_linear_macs: Pair
    second_counter: SecondCounter


class ResultDocument(TypedDict):
    """`result.json`, in the published format."""

    performance: dict[str, float]
    params: Pair
    flops: Pair
    infeasible: NotRequired[str]
