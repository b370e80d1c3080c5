"""The page of a study: Plotly's figures, DataTables' table and the data, all in one file."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import itables
import pandas as pd
from jinja2 import Environment, FileSystemLoader, select_autoescape
from jinja2.utils import htmlsafe_json_dumps
from plotly.offline import get_plotlyjs

from filterbench.analysis.blind import blind_cells
from filterbench.analysis.budgets import as_curves
from filterbench.analysis.hypotheses import NOT_ASKED
from filterbench.analysis.recommending import MEASURED, known_costs, leader, recommendations
from filterbench.page.curves import model_data, styles_of
from filterbench.page.table import table_data

TEMPLATES = Path(__file__).parent
DATATABLES = Path(itables.__file__).parent / "html/dt_bundle.js"
# The x axes to choose from: column of the points, and label.
AXES = {
    "params": "parameters after speedup",
    "flops": "FLOPs after speedup (multiply-accumulates)",
    "images": "search cost (images evaluated or trained on)",
    "seconds": "seconds of pruning and fine-tuning",
}
# Of the recommended nets, the columns that a small screen can spare.
SPARE = ("rank", "count", "low", "high", "surely", "first", "notes")
# Allowed losses of accuracy to choose from, in points.
DROPS = (0.5, 1.0, 2.0, 5.0, 10.0)
RECOMMENDED = {
    "rank": "rank",
    "pruner": "pruner",
    "sparsity": "sparsity",
    "factor": "times fewer",
    "count": "left",
    "drop": "points lost",
    "low": "95 % from",
    "high": "to",
    "surely": "surely within",
    "first": "none smaller with",
    "notes": "notes",
}


def page(
    study: str,
    title: str,
    tables: Mapping[str, pd.DataFrame],
    *,
    verdicts: Mapping[str, Any] | None = None,
    others: Mapping[str, Mapping[str, pd.DataFrame]] | None = None,
    claims: Mapping[str, pd.DataFrame] | None = None,
    controls: Collection[str] = (),
) -> str:
    """The page as HTML.

    Args:
        study: name of the study.
        title: description of the study, in a sentence.
        tables: `comparison.csv` by model, with measured latencies to show them
            (`filterbench.results.tables.with_latencies`).
        verdicts: `verdicts.json`, if it is made.
        others: by model and name, comparable cells of other studies in the same columns.
        claims: by model, points that papers report (`filterbench.analysis.claims.placed`).
        controls: the pruners that are never recommended.
    """
    curves = {model: as_curves(table) for model, table in tables.items()}
    beside, reported = others or {}, claims or {}
    latencies = {name: text for table in curves.values() for name, text in _latencies(table).items()}
    axes = AXES | latencies
    models = {
        model: model_data(table, beside.get(model, {}), reported.get(model), list(latencies))
        for model, table in curves.items()
    }
    styles = styles_of([*curves.values(), *reported.values()])
    data = {
        "axes": axes,
        "models": models,
        "styles": styles,
        "recommended": {model: _recommended(table, controls) for model, table in curves.items()},
        "spare": [place for place, name in enumerate(RECOMMENDED) if name in SPARE],
        **table_data(list(tables.values())),
    }
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())
    return environment.get_template("page.html").render(
        study=study,
        title=title,
        about=_about(tables),
        models=list(tables),
        axes=axes,
        styles={pruner: styles[pruner] for table in curves.values() for pruner in table["pruner"].unique()},
        others=list(dict.fromkeys(name for named in beside.values() for name in named)),
        any_claims=any(len(points) for points in reported.values()),
        any_blind=any(len(blind_cells(table)) for table in tables.values()),
        verdicts=[{**verdict, "told": _told(verdict)} for verdict in verdicts["verdicts"]]
        if verdicts
        else [],
        not_asked=NOT_ASKED,
        drops=DROPS,
        # A `<` in a text from outside could end the script element with the data, or keep it from ending.
        data=htmlsafe_json_dumps(data, allow_nan=False, separators=(",", ":")),
        plotly=_packed(get_plotlyjs()),
        datatables=_packed(DATATABLES.read_text(encoding="utf-8")),
        style=DATATABLES.with_suffix(".css").read_text(encoding="utf-8"),
    )


def _told(verdict: Mapping[str, Any]) -> str:
    """A verdict in words: by model if they differ, and nothing was asked across models."""
    by_model = [f"{scope['verdict']} on {scope['scope']}" for scope in verdict["scopes"]]
    differ = any(scope["verdict"] != NOT_ASKED for scope in verdict["scopes"])
    return ", ".join(by_model) if verdict["verdict"] == NOT_ASKED and differ else verdict["verdict"]


def _packed(script: str) -> str:
    """A script compressed to a quarter of its size for the page to unpack; always the same bytes."""
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def _about(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """The conditions of the cells that are known: protocol, seeds, width, images, device."""
    rows = pd.concat(tables.values(), ignore_index=True)
    columns = ("protocol", "seed", "width", "image_size", "test_images", "device")
    words = {column: column.replace("_", " ") for column in columns} | {"seed": "seeds"}
    known = {word: sorted(rows[column].dropna().unique()) for column, word in words.items() if column in rows}
    return {word: ", ".join(map(_plain, values)) for word, values in known.items() if values}


def _plain(value: object) -> str:
    """A value as text; a column with gaps has its whole numbers as floats."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _latencies(table: pd.DataFrame) -> dict[str, str]:
    """The relative latencies and memory that a table has, with labels for axes."""
    return {
        name: f"latency relative to the original ({words.removeprefix('faster ')})"
        if words.startswith("faster ")
        else f"relative to the original ({words})"
        for name, words in MEASURED.items()
        if f"{name}_compact" in table
    }


def _recommended(table: pd.DataFrame, controls: Collection[str]) -> list[dict[str, object]]:
    """For each allowed loss and cost: which pruner leads, and the smallest net of each pruner."""
    base = table["pruner"].str.partition(" ")[0]
    candidates = table[~base.isin(list(controls))]
    found: list[dict[str, object]] = []
    for drop in DROPS:
        for cost, words in known_costs(candidates).items():
            rows = recommendations(candidates, cost, drop)
            said = leader(candidates, cost, drop, rows) if len(rows) else "no pruner has such a net"
            shown = rows[list(RECOMMENDED)].round(2).astype(object).where(rows.notna(), None)
            about = {"drop": drop, "cost": words, "leader": said, "headings": list(RECOMMENDED.values())}
            found.append({**about, "rows": shown.to_numpy().tolist()})
    return found
