"""A study's images in memory, on the device that computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from filterbench.data.augmentation import flip_and_shift
from filterbench.data.copies import count_copies, digests_of
from filterbench.data.file import ImageFile, read_images
from filterbench.documents.parts import ImageCounts, Normalisation
from filterbench.storage.errors import InputError


@dataclass(frozen=True)
class Images:
    """Labelled images of one role.

    Attributes:
        pixels: uint8, (n, 1 or 3, size, size).
        labels: int64, (n,).
        mean: float32, (1, 1 or 3, 1, 1), on the scale 0..1.
        std: float32, (1, 1 or 3, 1, 1).
    """

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def chance(self) -> float:
        """Accuracy of always answering the most common class, above 0 and at most 1."""
        return int(self.labels.bincount().max()) / len(self)

    def normalised(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (n, 1 or 3, size, size) to a net's float32 (n, 3, size, size), channels last."""
        return normalise(pixels, self.mean, self.std)

    @property
    def normalisation(self) -> Normalisation:
        """Mean and standard deviation by channel."""
        return {"mean": self.mean.flatten().tolist(), "std": self.std.flatten().tolist()}

    def first(self, count: int) -> Tensor:
        """The first `count` images (or all, if there are fewer), normalised."""
        return self.normalised(self.pixels[:count])

    def batch(self, chosen: Tensor, generator: torch.Generator | None) -> Tensor:
        """Some images, normalised: (n, 3, size, size).

        Args:
            chosen: int64 indices, (n,).
            generator: the source of random flips and shifts; None leaves the images as they are.
        """
        pixels = self.pixels[chosen]
        return self.normalised(pixels if generator is None else flip_and_shift(pixels, generator))

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in order as pairs of normalised images and labels, `size` at a time."""
        for pixels, labels in zip(self.pixels.split(size), self.labels.split(size), strict=True):
            yield self.normalised(pixels), labels


def normalise(pixels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """uint8 pixels (n, 1 or 3, size, size) to a net's float32 (n, 3, size, size), channels last.

    Args:
        pixels: the images.
        mean: float32, (1, 1 or 3, 1, 1), on the scale 0..1.
        std: float32, (1, 1 or 3, 1, 1).
    """
    values = (pixels.float() / 255 - mean) / std
    return values.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Splits:
    """A study's images by role.

    Attributes:
        train: to train on.
        selection: to choose epochs by; the test images under the `test` protocol.
        test: to report accuracy on.
        names: the classes' names in the order of their labels; without any, the labels themselves.
        train_part: number of this part among the disjoint parts of the training split, from 0; None if the
            split is not divided.
    """

    train: Images
    selection: Images
    test: Images
    names: Sequence[str]
    train_part: int | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def image_size(self) -> int:
        """Height and width of the images, in pixels."""
        return self.train.pixels.shape[-1]

    def copies(self) -> int:
        """Number of test images with an exact copy among the images that are trained on or chosen by.

        Where the test images themselves choose, only the images to train on count.
        """
        test, train, selection = (
            digests_of(each.pixels.cpu().numpy()) for each in (self.test, self.train, self.selection)
        )
        return count_copies(test, train if test == selection else [*train, *selection])

    def document(self) -> ImageCounts:
        """Number of images by role, and chance's accuracy on the test images, as documents record them."""
        counts: ImageCounts = {
            "train": len(self.train),
            "selection": len(self.selection),
            "test": len(self.test),
            "chance": self.test.chance(),
        }
        return counts if self.train_part is None else counts | {"train_part": self.train_part}


def load_splits(
    path: Path,
    protocol: str,
    limits: Mapping[str, int | None],
    device: torch.device,
    names: Sequence[str] = (),
    normalisation: Normalisation | None = None,
) -> Splits:
    """Read a data file and assign its images to their roles.

    Under the `validation` protocol, epochs are chosen by the validation split, which is held out of training.
    Under `test`, the published study's way, they are chosen by the test split, and the validation split joins
    the training images.

    Args:
        path: the uniform data file.
        protocol: `validation` or `test`.
        limits: by split name, how many images to take; None or no entry takes all. `train_part`, a number
            from 0, takes that part of the training images, of which each has `train` images.
        device: where the images go.
        names: the classes' names, for a file without them.
        normalisation: replaces the mean and standard deviation of the training images.

    Raises:
        InputError: the file is unreadable, or a limit is more than the split has.
    """
    file = read_images(path)
    part = limits.get("train_part")
    parts = {"train": part or 0}
    taken = {name: _limited(path, file, name, limits.get(name), parts.get(name, 0)) for name in file.splits}
    if protocol == "test":
        roles = (np.concatenate([taken["train"], taken["validation"]]), taken["test"], taken["test"])
    else:
        roles = (taken["train"], taken["validation"], taken["test"])
    if normalisation:
        mean, std = (np.array(normalisation[key], dtype=np.float32) for key in ("mean", "std"))
        file = replace(file, mean=mean, std=std)
    train, selection, test = (_images(file, indices, device) for indices in roles)
    found = file.names.tolist() or names or [str(label) for label in range(file.classes)]
    return Splits(train, selection, test, found, part)


def _limited(path: Path, file: ImageFile, name: str, limit: int | None, part: int) -> np.ndarray:
    """The images of one part of a split; each part has as many images as the limit."""
    indices = file.splits[name]
    if limit is None:
        return indices
    if (part + 1) * limit > len(indices):
        parts = f"{part + 1} parts of {limit} are" if part else f"{limit} is"
        raise InputError(f"dataset.{name}_images: {parts} more than the {len(indices)} that {path} has")
    return indices[part * limit : (part + 1) * limit]


def _images(file: ImageFile, indices: np.ndarray, device: torch.device) -> Images:
    return Images(
        torch.from_numpy(file.images[indices]).to(device),
        torch.from_numpy(file.labels[indices]).to(device),
        torch.from_numpy(file.mean).view(1, -1, 1, 1).to(device),
        torch.from_numpy(file.std).view(1, -1, 1, 1).to(device),
    )
