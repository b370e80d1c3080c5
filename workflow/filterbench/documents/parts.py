"""Parts that several kinds of documents share, as types; what a key means stands in the schemas."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

# Height and width of a cell's images, in pixels, where the cell does not say.
IMAGE_SIZE = 32
# Characters of a name that becomes a part of paths; a file system allows about 255 for several of them.
MAX_NAME = 48


class BaselineCell(TypedDict):
    """Which unpruned net a document is about."""

    study: str
    dataset: str
    protocol: str
    model: str
    width: float
    seed: int
    image_size: NotRequired[int]


class OneTarget(TypedDict):
    """A sparsity or a budget: one of the three."""

    sparsity: NotRequired[float]
    flops: NotRequired[float]
    latency: NotRequired[float]


class Cell(BaselineCell, OneTarget):
    """Which cell a document is about."""

    pruner: str


class ImageCounts(TypedDict):
    """Numbers of images by use, and what always answering the most common class scores."""

    train: int
    selection: int
    test: int
    chance: float
    train_part: NotRequired[int]


class Machine(TypedDict):
    """What a computation ran on."""

    cpu: str
    cores: int
    gpu: NotRequired[str]


class Code(TypedDict):
    """The code that made a document."""

    version: str
    digest: NotRequired[str]


class Provenance(TypedDict):
    """What made a document."""

    device: str
    machine: NotRequired[Machine]
    threads: int
    versions: dict[str, str]
    code: NotRequired[Code]
    inputs: dict[str, str]


class Cost(TypedDict):
    """What a search spent."""

    evaluations: int
    images_evaluated: int
    images_trained: int


class Epoch(TypedDict):
    """One epoch of a training."""

    epoch: int
    learning_rate: float
    loss: float
    selection_accuracy: float
    selection_loss: float


class Training(TypedDict):
    """A training."""

    settings: dict[str, Any]
    best_epoch: int
    epochs: list[Epoch]


class Pair(TypedDict):
    """A count of the original and of the compact net."""

    original: int
    speedup: int


class Layer(TypedDict):
    """A convolution and the channels that it keeps."""

    name: str
    channels: int
    kept: int


class Check(TypedDict):
    """How well two forms of a net agree."""

    images: int
    relative_difference: float
    tolerance: float
