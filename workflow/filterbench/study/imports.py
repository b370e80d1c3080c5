"""The contents of a user's folder of NNI results.

This module does not import pandas, so that Snakemake starts quickly.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from filterbench.documents.parts import MAX_NAME
from filterbench.models.registry import MODELS
from filterbench.storage.errors import InputError
from filterbench.storage.files import files_digest, is_text

LAYOUT = "{model}/{pruner}/{sparsity}/result.json, or {model}.json in the collection format"
# Names that a path of the workflow can contain.
PLAIN = re.compile(rf"[\w.-]{{1,{MAX_NAME}}}")


@dataclass(frozen=True)
class Imports:
    """The results to import.

    Attributes:
        name: of their folder below `results/imported/`; each folder of results has its own.
        sources: by model, its folder of cells or its collection.
        skipped: number of files by reason.
    """

    name: str
    sources: Mapping[str, Path]
    skipped: Counter[str]

    def summary(self) -> str:
        """The skipped files by reason, in one line; empty if there are none."""
        reasons = ", ".join(f"{number} {reason}" for reason, number in self.skipped.items())
        return f"nni_results: skipped files: {reasons}; allowed: {LAYOUT}" if reasons else ""


def imports_of(folder: str) -> Imports:
    """The contents of a folder of NNI results; nothing for an empty name.

    Raises:
        InputError: two sources have results of the same model.
    """
    if not folder:
        return Imports("none", {}, Counter())
    root = Path(folder).resolve()
    plain = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:MAX_NAME]
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    sources: dict[str, Path] = {}
    skipped: Counter[str] = Counter()
    for path in sorted(Path(folder).iterdir(), key=os.fsencode):
        if reason := _unusable(path):
            skipped[reason] += len(_files(path))
            continue
        model = path.stem if path.is_file() else path.name
        model = model.lower() if model.lower() in MODELS else model
        if model in sources:
            raise InputError(f"{path}: duplicate results of {model}, as in {sources[model]}; remove one")

        sources[model] = path
        if path.is_dir():
            skipped.update(_skipped_below(path))
    return Imports(f"{plain}-{digest}", sources, +skipped)


def results_below(folder: Path) -> list[Path]:
    """The results of a model's folder of cells, but for those whose path is not UTF-8."""
    return sorted(path for path in folder.glob("*/*/result.json") if path.is_file() and is_text(str(path)))


def imports_digest(source: Path) -> str:
    """Digest of a model's results."""
    return files_digest(results_below(source) if source.is_dir() else [source])


def _unusable(path: Path) -> str:
    """Why a file or folder is skipped; empty if it is read."""
    if path.is_symlink() and not path.exists():
        return "broken links"
    # A name that is not UTF-8 has surrogates, which are not word characters.
    if not PLAIN.fullmatch(path.stem) or not PLAIN.fullmatch(path.suffix or "."):
        return "with names that are not valid in a path"
    if path.is_dir():
        return "" if results_below(path) else "in folders without results"
    if path.suffix != ".json" or not path.is_file():
        return "that are not JSON"
    return "" if path.stem.lower() in MODELS else f"collections of models other than {', '.join(MODELS)}"


def _skipped_below(folder: Path) -> Iterator[str]:
    read = set(results_below(folder))
    for path in _files(folder):
        if path not in read:
            yield _why_skipped(path)


def _why_skipped(path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "broken links"
    return "beside the results" if is_text(str(path)) else "whose names are not UTF-8"


def _files(path: Path) -> list[Path]:
    """A file itself, or the files and links below a folder."""
    if not path.is_dir():
        return [path]
    return [found for found in path.rglob("*") if found.is_symlink() or found.is_file()]
