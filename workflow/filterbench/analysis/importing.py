"""Results that NNI's published script wrote, in the columns of `comparison.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.analysis.published import SEED, published_cells
from filterbench.documents import check, parse
from filterbench.storage.errors import InputError

LAYOUT = "{model}/{pruner}/{sparsity}/result.json, or {model}.json in the collection format"
ORIGINALS = ("performance_original", "params_original", "flops_original")


def read_results(folder: Path, model: str) -> pd.DataFrame:
    """The cells of a model in a folder of results, checked.

    Args:
        folder: holds `{model}/{pruner}/{sparsity}/result.json` files in the published format, or
            `{model}.json` in the published collection format, which names no unpruned net: the
            published one stands in.
        model: a model's name.

    Raises:
        InputError: there is nothing of the model, or a file is faulty.
    """
    collection = folder / f"{model}.json"
    rows = list(_collected(collection, model) if collection.exists() else _cells(folder, model))
    if not rows:
        raise InputError(f"{folder}: no results of {model}; expected: {LAYOUT}")
    common = {"model": model, "seed": SEED, "infeasible": None}
    return pd.DataFrame([common | row for row in rows]).sort_values(["pruner", "sparsity"], ignore_index=True)


def _cells(folder: Path, model: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / model).glob("*/*/result.json")):
        document = _checked(path, "result")
        try:
            sparsity = float(path.parent.name)
        except ValueError as reason:
            raise InputError(f"{path}: the folder {path.parent.name!r} is no sparsity") from reason
        yield {
            "pruner": path.parents[1].name,
            "sparsity": sparsity,
            **{
                f"{name}_{stage}": value
                for name, stages in document.items()
                for stage, value in stages.items()
            },
        }


def _collected(path: Path, model: str) -> Iterator[dict[str, Any]]:
    first = published_cells(model).iloc[0]
    original = {name: first[name] for name in ORIGINALS}
    for pruner, cells in _checked(path, "comparison").items():
        for cell in cells:
            yield {
                "pruner": pruner,
                "sparsity": cell["sparsity"],
                "performance_finetuned": cell["performance"],
                "params_speedup": cell["params"],
                "flops_speedup": cell["flops"],
                **original,
            }


def _checked(path: Path, kind: str) -> Any:
    document = parse(path)
    for fault in check(kind, document):
        raise InputError(f"{path}: {fault}")
    return document
