"""Parts that several kinds of documents share, as types; the schemas explain the keys."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from filterbench.domain.spending import Settings

# Height and width of a cell's images, in pixels, where the cell has no `image_size`.
IMAGE_SIZE = 32
# Characters of a name in a path; a file system allows about 255 for several of them together.
MAX_NAME = 48


class Normalisation(TypedDict):
    """Mean and standard deviation by channel, with which images are normalised."""

    mean: list[float]
    std: list[float]


class SparseTraining(TypedDict):
    """The sparse training before a pruner."""

    penalty: str
    strength: float
    epochs: int
    batch_size: int
    learning_rate: float


class BaselineCell(TypedDict):
    """The unpruned net of a document."""

    study: str
    dataset: str
    protocol: str
    model: str
    width: float
    seed: int
    image_size: NotRequired[int]
    normalisation: NotRequired[Normalisation]
    sparse_training: NotRequired[SparseTraining]


class OneTarget(TypedDict):
    """A sparsity or a budget: one of the three."""

    sparsity: NotRequired[float]
    flops: NotRequired[float]
    latency: NotRequired[float]


class CellRecord(BaselineCell, OneTarget):
    """The cell of a document."""

    pruner: str


class ImageCounts(TypedDict):
    """Numbers of images by use, and the accuracy of always answering the most common class."""

    train: int
    selection: int
    test: int
    chance: float
    train_part: NotRequired[int]


class Machine(TypedDict):
    """The machine of a computation."""

    cpu: str
    cores: int
    gpu: NotRequired[str]


class Code(TypedDict):
    """The code that made a document."""

    version: str
    digest: NotRequired[str]


class Provenance(TypedDict):
    """The origin of a document: device, code, versions and digests of its inputs."""

    device: str
    machine: NotRequired[Machine]
    threads: int
    versions: dict[str, str]
    code: NotRequired[Code]
    inputs: dict[str, str]


class CostRecord(TypedDict):
    """The cost of a search."""

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

    settings: Settings
    best_epoch: int
    epochs: list[Epoch]


class Pair(TypedDict):
    """A count of the original and of the compact net."""

    original: int
    speedup: int


class LayerRecord(TypedDict):
    """A convolution and the number of channels that it keeps."""

    name: str
    channels: int
    kept: int


class Check(TypedDict):
    """How well two forms of a net agree."""

    images: int
    relative_difference: float
    tolerance: float
