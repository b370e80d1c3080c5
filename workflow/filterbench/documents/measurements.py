"""Documents of what is measured and exported on request, as types: see `filterbench.documents.types`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from filterbench.documents.parts import BaselineCell, Cell, Check, ImageCounts, Machine, Pair, Provenance


class Timing(TypedDict):
    """Latency of a net, in milliseconds."""

    median: float
    interquartile_range: float


# Latencies by net: `original` and `speedup`.
Timings = dict[str, Timing]


class RuntimeTimings(TypedDict):
    """Latencies in one runtime; in another one than torch, how far its logits differ from torch's."""

    single: Timings
    batch: Timings
    relative_difference: NotRequired[float]


class Memory(TypedDict):
    """Bytes: by batch of activations and of onnxruntime's process, and of the ONNX models."""

    activations: dict[str, Pair]
    process: NotRequired[dict[str, Pair]]
    onnx_bytes: NotRequired[Pair]


class LatencyDocument(TypedDict):
    """`latency.json`."""

    cell: Cell
    settings: dict[str, Any]
    runtimes: dict[str, RuntimeTimings]
    memory: Memory
    machine: Machine
    provenance: Provenance
    infeasible: NotRequired[str]


class LayerTimes(TypedDict):
    """Times of the layers of one shape: a row an input count, a value an output count, in milliseconds."""

    names: list[str]
    inputs: list[int]
    outputs: list[int]
    milliseconds: list[list[float]]


class LatencyTableDocument(TypedDict):
    """`latency_table.json`."""

    cell: BaselineCell
    settings: dict[str, Any]
    layers: list[LayerTimes]
    machine: Machine
    provenance: Provenance


class Normalisation(TypedDict):
    """How images are normalised, by channel."""

    mean: list[float]
    std: list[float]


class ExportDocument(TypedDict):
    """`export.json`."""

    cell: Cell
    digest: str
    normalisation: Normalisation
    check: Check
    packages: dict[str, str]
    provenance: Provenance


class Int8Document(TypedDict):
    """`int8.json`; its nets are `original`, `finetuned`, `original_int8` and `finetuned_int8`."""

    cell: Cell
    images: ImageCounts
    settings: dict[str, int]
    performance: dict[str, float]
    latency: dict[str, dict[str, Timing]]
    onnx_bytes: dict[str, int]
    check: Check
    packages: dict[str, str]
    machine: Machine
    provenance: Provenance
    infeasible: NotRequired[str]
