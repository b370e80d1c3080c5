"""Documents against what else is kept of the computation that they describe: images, answers, searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filterbench.data.loading import Splits
from filterbench.documents.schemas import Fault
from filterbench.documents.search_table import read_search
from filterbench.pruners.search.scores import summarise_scores
from filterbench.storage.correctness import read_correct
from filterbench.storage.errors import InputError

Document = Mapping[str, Any]


@dataclass(frozen=True)
class ImageFacts:
    """What documents say of a study's images.

    Attributes:
        counts: number of images by role, and chance's accuracy on the test images.
        normalisation: mean and standard deviation by channel.
        chance: accuracy of chance on the selection images.
    """

    counts: Document
    normalisation: Document
    chance: float


def facts_of(splits: Splits) -> ImageFacts:
    """The facts of some images."""
    return ImageFacts(dict(splits.document()), dict(splits.test.normalisation), splits.selection.chance())


def contradictions(
    document: Document, facts: ImageFacts | None, correct: Path, table: Path
) -> Iterator[Fault]:
    """Numbers of a document that its evidence contradicts.

    Args:
        document: any.
        facts: of the study's images; None where they are not there.
        correct: file of the images that the document's net classifies correctly; it may be missing.
        table: the document's search, `search.csv`; it may be missing.

    Raises:
        InputError: a file is not of this document.
    """
    if facts and "images" in document:
        yield from _differing("images", document["images"], facts.counts)
    if facts and "normalisation" in document:
        yield from _differing("normalisation", document["normalisation"], facts.normalisation)
    if facts and "scores" in document:
        yield from _differing("scores", document["scores"], {**document["scores"], "chance": facts.chance})
    if "correct" in document and correct.is_file():
        yield from _accuracy(document, correct)
    if "scores" in document and table.exists():
        yield from _differing("scores", document["scores"], _scores(document, table))


def _accuracy(document: Document, file: Path) -> Iterator[Fault]:
    """An accuracy that is not the share of the images that the net is said to get right."""
    images = document["images"]["test"]
    right = int(read_correct(file, images).sum())
    for key, accuracy in document["performance"].items():
        if round(accuracy * images) != right:
            reason = f"{accuracy}, but {file.name} has {right} of {images} images right"
            yield Fault(f"$.performance.{key}", reason)


def _scores(document: Document, table: Path) -> Document:
    """The scores of a search's table."""
    if not (steps := read_search(table)):
        raise InputError(f"{table}: no steps, although the document has their scores")
    return dict(summarise_scores(steps, document["scores"]["chance"], document["images"]["selection"]))


def _differing(at: str, found: Document, expected: Document) -> Iterator[Fault]:
    for key in {**expected, **found}:
        if found.get(key) != expected.get(key):
            reason = f"{found.get(key)}, but its evidence gives {expected.get(key)}"
            yield Fault(f"$.{at}.{key}", reason)
