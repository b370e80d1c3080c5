"""What the documents of cells and baselines are made from: where the inputs of rules lie.

Braces stand for Snakemake's wildcards, as in `filterbench.study.paths`.
"""

from __future__ import annotations

from collections.abc import Iterable

from filterbench.domain.spending import REFERENCE, TEACHER, Settings, distils
from filterbench.pruners.registry import PRUNERS
from filterbench.study.paths import BASELINE, CELL, LATENCY_TABLE, SPARSE

_ORIGINAL = f"{BASELINE}/model.safetensors"
_BOTH_NETS = {
    "document": f"{CELL}/speedup.json",
    "original": _ORIGINAL,
    "compact": f"{CELL}/speedup.safetensors",
}
_COMPACT = {"document": f"{CELL}/speedup.json", "weights": f"{CELL}/speedup.safetensors"}
# By kind of document.
INPUTS: dict[str, dict[str, str]] = {
    "baseline-finetune": {"document": f"{BASELINE}/baseline.json", "weights": _ORIGINAL},
    "sparse": {"weights": _ORIGINAL},
    "trajectory": {"weights": _ORIGINAL},
    "sensitivity": {"weights": _ORIGINAL},
    "prune": {"weights": _ORIGINAL},
    "speedup": {
        "document": f"{CELL}/prune.json",
        "original": _ORIGINAL,
        "weights": f"{CELL}/prune.safetensors",
    },
    "count": _BOTH_NETS,
    "latency": _BOTH_NETS,
    "finetune": _COMPACT,
    "equal": _COMPACT,
    "scratch": _COMPACT,
    "export": {
        "document": f"{CELL}/finetune.json",
        "weights": f"{CELL}/finetune.safetensors",
        "result": f"{CELL}/result.json",
    },
    "int8": {
        "document": f"{CELL}/finetune.json",
        "original": _ORIGINAL,
        "finetuned": f"{CELL}/finetune.safetensors",
    },
}
# By kind of document, the input that holds the net that is pruned: the baseline's or the sparse training's.
_PRUNED = {"trajectory": "weights", "prune": "weights", "speedup": "original"}
# The inputs of a job with a latency budget, of one that distils, and of one that counts its cell's training.
TIMED = {"latency_table": LATENCY_TABLE}
TAUGHT = {TEACHER: _ORIGINAL}
COUNTED = {"prune": f"{CELL}/prune.json"}


def inputs_after(kind: str, sparse: str) -> dict[str, str]:
    """Where the inputs of a kind of document lie, in a cell that begins with a sparse training.

    Args:
        kind: of the document.
        sparse: name of the sparse training's folder; empty where the cell has none.
    """
    inputs = INPUTS.get(kind, {})
    if sparse and kind in _PRUNED:
        return inputs | {_PRUNED[kind]: f"{SPARSE.replace('{sparse}', sparse)}/sparse.safetensors"}
    return inputs


def searched_inputs(pruner: str) -> dict[str, str]:
    """The documents of the searched cell that a matched control is compared with; none for other pruners."""
    entry = PRUNERS[pruner]
    kinds = {kind for kind, *_ in entry.matched.values()}
    folder = CELL.replace("{pruner}", entry.searched)
    return {f"searched_{kind}": f"{folder}/{kind}.json" for kind in sorted(kinds)}


def reference_inputs(pruners: Iterable[str]) -> dict[str, str]:
    """The documents that say how much training the cells of these pruners have had."""
    return {f"{REFERENCE}{name}": f"{CELL.replace('{pruner}', name)}/prune.json" for name in pruners}


def inputs_of(kind: str, pruner: str, names: Iterable[str], sparse: str = "") -> dict[str, str]:
    """Where those inputs of a document lie that it names, as far as this version knows them.

    Args:
        kind: of the document.
        pruner: of its cell; empty for a baseline's.
        names: of the inputs.
        sparse: name of the folder of its cell's sparse training; empty where it has none.
    """
    references = [name.removeprefix(REFERENCE) for name in names if name.startswith(REFERENCE)]
    matched = searched_inputs(pruner) if pruner in PRUNERS else {}
    extra = TIMED | TAUGHT | COUNTED
    known = inputs_after(kind, sparse) | extra | matched | reference_inputs(references)
    return {name: known[name] for name in names if name in known}


def inputs_needed(kind: str, pruner: str, training: Settings) -> set[str]:
    """The inputs without which no document of a kind is made.

    Args:
        kind: of the document.
        pruner: of its cell; empty for a baseline's.
        training: settings of its training; empty where nothing is trained.
    """
    matched = searched_inputs(pruner) if kind == "prune" and pruner in PRUNERS else {}
    # Counts need no images; every other document of a cell or baseline is about them.
    images = set() if kind == "count" else {"images"}
    taught = TAUGHT.keys() if distils(training) else set()
    return images | INPUTS.get(kind, {}).keys() | matched.keys() | taught
