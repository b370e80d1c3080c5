"""The page of a study: Plotly's figures, DataTables' table and the data, all in one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import itables
import pandas as pd
from jinja2 import Environment, FileSystemLoader, select_autoescape
from plotly.offline import get_plotlyjs

from filterbench.analysis.budgets import as_curves
from filterbench.plotting.style import style_of
from filterbench.storage.tables import blind_cells

TEMPLATES = Path(__file__).parent
DATATABLES = Path(itables.__file__).parent / "html/dt_bundle.js"
# What the x axes offer: column of the points, label, unit in the hover text.
AXES = {
    "params": "parameters after speedup",
    "flops": "FLOPs after speedup (multiply-accumulates)",
    "images": "search cost (images evaluated or trained on)",
    "seconds": "seconds of pruning and fine-tuning",
}
# Plotly's names for the markers of the figures.
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "<": "triangle-left",
    ">": "triangle-right",
    "h": "hexagon",
    "p": "pentagon",
}
QUANTITIES = ("accuracy", "seeds", "std", "before", "params", "flops", "images", "seconds", "blind")
DIGITS = 6
# The table's columns, of `comparison.csv` or made of its columns, with their headings.
COLUMNS = {
    "model": "model",
    "short": "pruner",
    "sparsity": "sparsity",
    "seed": "seed",
    "performance_finetuned": "after fine-tuning",
    "performance_speedup": "before",
    "performance_original": "original",
    "performance_original_finetuned": "original, fine-tuned",
    "params_speedup": "params",
    "flops_speedup": "FLOPs",
    "params_factor": "times fewer params",
    "flops_factor": "times fewer FLOPs",
    "seconds": "seconds",
    "blind": "blind search",
    "reason": "infeasible",
    "document": "document",
}
DECIMALS = {
    "performance_finetuned": 4,
    "performance_speedup": 4,
    "performance_original": 4,
    "performance_original_finetuned": 4,
    "params_factor": 2,
    "flops_factor": 2,
    "seconds": 1,
}


def page(
    study: str, title: str, tables: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame]
) -> str:
    """The page as HTML.

    Args:
        study: name of the study.
        title: what the study is, in a sentence.
        tables: `comparison.csv` by model.
        published: published cells by model, in the same columns; none where they are not comparable.
    """
    curves = {model: as_curves(table) for model, table in tables.items()}
    data = {
        "axes": AXES,
        "models": {model: _model(table, published.get(model)) for model, table in curves.items()},
        "styles": _styles(curves),
        "headings": list(COLUMNS.values()),
        "rows": [row for table in tables.values() for row in _rows(table)],
    }
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())
    return environment.get_template("page.html").render(
        study=study,
        title=title,
        models=list(tables),
        axes=AXES,
        styles=data["styles"],
        any_published=bool(published),
        # "</" would end the script element that holds them.
        data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("</", "<\\/"),
        plotly=get_plotlyjs(),
        datatables=DATATABLES.read_text(encoding="utf-8"),
        style=DATATABLES.with_suffix(".css").read_text(encoding="utf-8"),
    )


def _styles(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    pruners = dict.fromkeys(pruner for table in tables.values() for pruner in table["pruner"])
    styles = {pruner: style_of(pruner, position) for position, pruner in enumerate(pruners)}
    return {
        pruner: {"label": style.label, "color": style.color, "symbol": SYMBOLS.get(style.marker, "x")}
        for pruner, style in styles.items()
    }


def _model(table: pd.DataFrame, published: pd.DataFrame | None) -> dict[str, Any]:
    """The curves of a model, means over seeds, and its unpruned net."""
    first = table.dropna(subset=["params_original"]).iloc[0]
    accuracies = (
        table.get(column, pd.Series(dtype=float)).mean()
        for column in ("performance_original", "performance_original_finetuned")
    )
    return {
        "original": {
            **dict(zip(("accuracy", "finetuned"), _numbers(accuracies), strict=True)),
            "params": int(first["params_original"]),
            "flops": int(first["flops_original"]),
        },
        "curves": _curves(table),
        "published": {} if published is None else _curves(published),
    }


def _curves(table: pd.DataFrame) -> dict[str, dict[str, list]]:
    """By pruner, a list per quantity, one entry per sparsity."""
    cells = table[table["infeasible"].isna()]
    images = sum(cells.get(f"images_{use}", pd.Series(dtype=float)) for use in ("evaluated", "trained"))
    seconds = sum(cells.get(f"seconds_{stage}", pd.Series(dtype=float)) for stage in ("prune", "finetune"))
    points = pd.DataFrame(
        {
            "pruner": cells["pruner"],
            "sparsity": cells["sparsity"],
            "accuracy": cells["performance_finetuned"],
            "seeds": cells.get("seeds"),
            "std": cells.get("performance_std"),
            "before": cells.get("performance_speedup"),
            "params": cells["params_speedup"],
            "flops": cells["flops_speedup"],
            "images": images,
            "seconds": seconds,
            # The share of the seeds whose search was blind.
            "blind": cells.index.isin(blind_cells(cells).index),
        }
    ).astype(dict.fromkeys(QUANTITIES, float))
    means = points.groupby(["pruner", "sparsity"], sort=False).mean().reset_index()
    return {
        str(pruner): {column: _numbers(curve[column]) for column in curve.columns if column != "pruner"}
        for pruner, curve in means.groupby("pruner", sort=False)
    }


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [None if pd.isna(value) else round(float(value), DIGITS) for value in values]


def _rows(table: pd.DataFrame) -> list[list[Any]]:
    """The rows of the page's table; the last columns are a reason and the path of a cell's document."""
    curves = as_curves(table)
    plain = table.assign(
        short=curves["pruner"].str.replace("Pruner", ""),
        sparsity=curves["sparsity"],
        params_factor=table["params_original"] / table["params_speedup"],
        flops_factor=table["flops_original"] / table["flops_speedup"],
        seconds=table["seconds_prune"] + table["seconds_finetune"],
        performance_original_finetuned=table.get("performance_original_finetuned"),
        blind=["blind" if blind else "" for blind in table.index.isin(blind_cells(table).index)],
        reason=table["infeasible"].fillna(""),
        document=[
            f"{model}/seed-{seed}/{pruner}/{target}/result.json"
            for model, seed, pruner, target in zip(
                table["model"],
                table["seed"],
                table["pruner"],
                table.get("target", table["sparsity"]),
                strict=True,
            )
        ],
    )[list(COLUMNS)].round(DECIMALS)
    # Column by column: pandas turns the values of whole rows into text or floats.
    columns = [
        [None if pd.isna(value) else value for value in plain[name].astype(object)] for name in COLUMNS
    ]
    return [list(row) for row in zip(*columns, strict=True)]
