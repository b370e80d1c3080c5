"""Documents of measurements and exports, as types: see `filterbench.documents.types`."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from filterbench.documents.parts import (
    BaselineCell,
    Check,
    ImageCounts,
    Machine,
    Normalisation,
    Pair,
    Provenance,
)
from filterbench.documents.types import CellDocument
from filterbench.domain.spending import Settings


class Timing(TypedDict):
    """Latency of a net, in milliseconds."""

    median: float
    interquartile_range: float


# Latencies by net: `original` and `speedup`.
Timings = dict[str, Timing]


class RuntimeTimings(TypedDict):
    """Latencies in one runtime; where it is not torch, the difference of its logits from torch's."""

    single: Timings
    batch: Timings
    relative_difference: NotRequired[float]


class Memory(TypedDict):
    """Bytes of activations and of onnxruntime's process, by batch, and of the ONNX models."""

    activations: dict[str, Pair]
    process: NotRequired[dict[str, Pair]]
    onnx_bytes: NotRequired[Pair]


class LatencyDocument(CellDocument):
    """`latency.json`."""

    settings: Settings
    runtimes: dict[str, RuntimeTimings]
    memory: Memory
    machine: Machine


class LayerTimes(TypedDict):
    """Milliseconds of the layers of one shape: one row per input count, one value per output count."""

    names: list[str]
    inputs: list[int]
    outputs: list[int]
    milliseconds: list[list[float]]


class LatencyTableDocument(TypedDict):
    """`latency_table.json`."""

    cell: BaselineCell
    settings: Settings
    layers: list[LayerTimes]
    machine: Machine
    provenance: Provenance


class ExportDocument(CellDocument):
    """`export.json`."""

    digest: str
    classes: list[str]
    normalisation: Normalisation
    input: str
    check: Check
    packages: dict[str, str]


class SensitivityPoint(TypedDict):
    """A group of convolutions, pruned alone."""

    rate: float
    removed: int
    accuracy: float


class GroupSensitivity(TypedDict):
    """What pruning a group of convolutions alone costs."""

    layers: list[str]
    channels: int
    points: list[SensitivityPoint]


class SensitivityDocument(TypedDict):
    """`sensitivity.json`."""

    cell: BaselineCell
    images: ImageCounts
    settings: Settings
    judged: int
    original: float
    groups: list[GroupSensitivity]
    provenance: Provenance


class Int8Document(CellDocument):
    """`int8.json`; its nets are `original`, `finetuned`, `original_int8` and `finetuned_int8`."""

    images: ImageCounts
    settings: dict[str, int]
    performance: dict[str, float]
    latency: dict[str, dict[str, Timing]]
    onnx_bytes: dict[str, int]
    check: Check
    packages: dict[str, str]
    machine: Machine
