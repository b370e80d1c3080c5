"""What the documents of cells and baselines are made from: where the inputs of rules lie.

Braces stand for Snakemake's wildcards, as in `filterbench.study.paths`.
"""

from __future__ import annotations

from collections.abc import Iterable

from filterbench.domain.spending import REFERENCE
from filterbench.pruners.registry import PRUNERS
from filterbench.study.paths import BASELINE, CELL, LATENCY_TABLE

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
# The inputs of a job with a budget of latency, and of one that counts the training of its cell.
TIMED = {"latency_table": LATENCY_TABLE}
COUNTED = {"prune": f"{CELL}/prune.json"}


def searched_inputs(pruner: str) -> dict[str, str]:
    """The documents of the searched cell that a matched control is compared with; none for other pruners."""
    entry = PRUNERS[pruner]
    kinds = {kind for kind, *_ in entry.matched.values()}
    folder = CELL.replace("{pruner}", entry.searched)
    return {f"searched_{kind}": f"{folder}/{kind}.json" for kind in sorted(kinds)}


def reference_inputs(pruners: Iterable[str]) -> dict[str, str]:
    """The documents that say how much training the cells of these pruners have had."""
    return {f"{REFERENCE}{name}": f"{CELL.replace('{pruner}', name)}/prune.json" for name in pruners}


def inputs_of(kind: str, pruner: str, names: Iterable[str]) -> dict[str, str]:
    """Where those inputs of a document lie that it names, as far as this version knows them.

    Args:
        kind: of the document.
        pruner: of its cell; empty for a baseline's.
        names: of the inputs.
    """
    references = [name.removeprefix(REFERENCE) for name in names if name.startswith(REFERENCE)]
    matched = searched_inputs(pruner) if pruner in PRUNERS else {}
    known = INPUTS.get(kind, {}) | TIMED | COUNTED | matched | reference_inputs(references)
    return {name: known[name] for name in names if name in known}


def inputs_needed(kind: str, pruner: str) -> set[str]:
    """The inputs without which no document of a kind is made.

    Args:
        kind: of the document.
        pruner: of its cell; empty for a baseline's.
    """
    matched = searched_inputs(pruner) if kind == "prune" and pruner in PRUNERS else {}
    # Counts need no images; every other document of a cell or baseline is about them.
    images = set() if kind == "count" else {"images"}
    return images | INPUTS.get(kind, {}).keys() | matched.keys()
