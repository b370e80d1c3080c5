"""What a folder of a user's NNI results holds.

This module imports no pandas, so that Snakemake starts quickly.
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
from filterbench.storage.files import files_digest

LAYOUT = "{model}/{pruner}/{sparsity}/result.json, or {model}.json in the collection format"
# Names that can stand in a path of the workflow.
PLAIN = re.compile(rf"[\w.-]{{1,{MAX_NAME}}}")


@dataclass(frozen=True)
class Imports:
    """What there is to import.

    Attributes:
        name: of the folder below `results/imported/` that it goes to, one for each folder of results.
        sources: by model, its folder of cells or its collection.
        left_out: number of files by reason.
    """

    name: str
    sources: Mapping[str, Path]
    left_out: Counter[str]

    def told(self) -> str:
        """What was left out, in one line; empty where nothing was."""
        reasons = ", ".join(f"{number} {reason}" for reason, number in self.left_out.items())
        return f"nni_results: left out: {reasons}; read is {LAYOUT}" if reasons else ""


def imports_of(folder: str) -> Imports:
    """What a folder of results holds; nothing without a folder.

    Args:
        folder: of a user's NNI results; empty for none.

    Raises:
        InputError: two sources are of one model.
    """
    if not folder:
        return Imports("none", {}, Counter())
    root = Path(folder).resolve()
    plain = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")[:MAX_NAME]
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    sources: dict[str, Path] = {}
    left_out: Counter[str] = Counter()
    for path in sorted(Path(folder).iterdir(), key=os.fsencode):
        if reason := _unusable(path):
            left_out[reason] += sum(1 for _ in _files(path))
            continue
        model = path.stem if path.is_file() else path.name
        model = model.lower() if model.lower() in MODELS else model
        if model in sources:
            raise InputError(f"{path}: results of {model} are in {sources[model]} too; only one of them")
        sources[model] = path
        if path.is_dir():
            left_out.update(_left_out_below(path))
    return Imports(f"{plain}-{digest}", sources, +left_out)


def results_below(folder: Path) -> list[Path]:
    """The results of a model's folder of cells."""
    return sorted(path for path in folder.glob("*/*/result.json") if path.is_file())


def imports_digest(source: Path) -> str:
    """Digest of a model's results."""
    return files_digest(results_below(source) if source.is_dir() else [source])


def _unusable(path: Path) -> str:
    """Why nothing is read there; empty where something is."""
    if path.is_symlink() and not path.exists():
        return "broken links"
    if not PLAIN.fullmatch(path.stem) or not _is_utf8(path.name):
        return "with names that no path of the workflow can have"
    if path.is_dir():
        return "" if results_below(path) else "in folders without results"
    if path.suffix != ".json" or not path.is_file():
        return "that are no JSON"
    return "" if path.stem.lower() in MODELS else f"collections of models other than {', '.join(MODELS)}"


def _left_out_below(folder: Path) -> Iterator[str]:
    read = set(results_below(folder))
    for path in _files(folder):
        if path not in read:
            yield "broken links" if path.is_symlink() and not path.exists() else "beside the results"


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    yield from (found for found in path.rglob("*") if found.is_symlink() or found.is_file())


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
