"""Results that NNI's published script wrote, in the columns of `comparison.csv`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from filterbench.analysis.published import SEED, published_cells
from filterbench.analysis.published_tables import published_names
from filterbench.documents import check, parse
from filterbench.documents.columns import net_columns
from filterbench.storage.errors import InputError
from filterbench.storage.files import is_text

logger = logging.getLogger(__name__)

ORIGINALS = ("performance_original", "params_original", "flops_original")
COUNTED = ("params", "flops")


def read_results(source: Path, model: str) -> pd.DataFrame:
    """The cells of a model, checked.

    Args:
        source: a folder with `{pruner}/{sparsity}/result.json` files in the published format, or a file in
            the published collection format. A collection does not contain the unpruned net, so the published
            one is used, and the log says so.
        model: the model's name.

    Raises:
        InputError: there are no results, a file is faulty, two folders are of one sparsity, cells have
            different unpruned nets, or a collection is of a model that was not published.
    """
    rows = list(_cells(source) if source.is_dir() else _collected(source, model))
    if not rows:
        raise InputError(f"{source}: no results of {model}")
    common = {"model": model, "seed": SEED, "infeasible": None}
    cells = pd.DataFrame([common | row for row in rows]).sort_values(
        ["pruner", "sparsity"], ignore_index=True
    )
    _check_unpruned(source, cells[cells["infeasible"].isna()])
    return cells


def _check_unpruned(source: Path, cells: pd.DataFrame) -> None:
    """Refuse cells of different unpruned nets, whose factors would not compare; log different accuracies.

    Raises:
        InputError: the nets have different counts.
    """
    if cells.empty:
        return
    for name in COUNTED:
        found = cells.drop_duplicates(f"{name}_original")
        if len(found) > 1:
            columns = found[[f"{name}_original", "pruner", "sparsity"]].itertuples(index=False)
            listed = ", ".join(f"{count:.0f} ({pruner} {sparsity:g})" for count, pruner, sparsity in columns)
            raise InputError(
                f"{source}: the cells' unpruned nets differ in {name}: {listed}; keep those of one net"
            )
    accuracies = cells["performance_original"]
    if accuracies.nunique() > 1:
        logger.warning(
            "%s: the cells' unpruned nets have accuracies from %s to %s; figures show their mean",
            source,
            accuracies.min(),
            accuracies.max(),
        )


def _cells(folder: Path) -> Iterator[dict[str, object]]:
    found: dict[tuple[str, float], Path] = {}
    for path in sorted(folder.glob("*/*/result.json")):
        if not is_text(str(path)):
            # Listed among the skipped files.
            continue
        pruner, sparsity = path.parents[1].name, _sparsity(path)
        if other := found.get((pruner, sparsity)):
            raise InputError(f"{path}: {other} is of sparsity {sparsity}, too; keep only one of them")
        found[pruner, sparsity] = path
        yield {"pruner": pruner, "sparsity": sparsity, **_row(path)}


def _sparsity(path: Path) -> float:
    """The sparsity that a result's folder names, such as `0.95` or, as in NNI's raw results, `095`."""
    name = path.parent.name
    text = f"0.{name[1:]}" if name.startswith("0") and name[1:].isdigit() else name
    try:
        sparsity = float(text)
    except ValueError:
        sparsity = 0.0
    if not 0 < sparsity < 1:
        raise InputError(
            f"{path}: the folder {name!r} is not a sparsity; allowed: above 0 and below 1, as 0.5"
        )
    return sparsity


def _row(path: Path) -> dict[str, object]:
    """A result's columns; NNI's raw results of AutoCompress have no accuracy after speedup."""
    document = parse(path)
    pruned = document.get("performance") if isinstance(document, dict) else None
    bare = isinstance(pruned, dict) and "speedup" not in pruned
    if isinstance(pruned, dict) and bare:
        # AutoCompress returns a compact net, so the speedup changes nothing.
        document = {**document, "performance": {**pruned, "speedup": pruned.get("pruned")}}
    _refuse(path, "result", document)
    if "infeasible" in document:
        return {"infeasible": document["infeasible"]}
    columns = {
        column: value
        for name, values in document.items()
        for column, value in net_columns(name, values).items()
    }
    return columns | ({"performance_compact": None} if bare else {})


def _collected(path: Path, model: str) -> Iterator[dict[str, object]]:
    document = parse(path)
    _refuse(path, "comparison", document)
    if model not in published_names("model"):
        reason = f"a collection does not contain the unpruned net, and {model} was not published"
        raise InputError(f"{path}: {reason}; allowed: {', '.join(published_names('model'))}")
    logger.info("%s does not contain the unpruned net: the published one of %s is used", path, model)
    first = published_cells(model).iloc[0]
    original = {name: first[name] for name in ORIGINALS}
    if budgets := sum("budget" in cell for cells in document.values() for cell in cells):
        logger.warning("%s: skipped %d cells with a budget; only sparsities are imported", path, budgets)
    for pruner, cells in document.items():
        for cell in cells:
            if "budget" in cell:
                continue
            yield {
                "pruner": pruner,
                "sparsity": cell["sparsity"],
                "performance_finetuned": cell["performance"],
                "params_compact": cell["params"],
                "flops_compact": cell["flops"],
                **original,
            }


def _refuse(path: Path, kind: str, document: Mapping[str, object]) -> None:
    for fault in check(kind, document):
        raise InputError(f"{path}: {fault}")
