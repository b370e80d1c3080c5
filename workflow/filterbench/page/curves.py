"""The data of the page's plots, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from filterbench.analysis.blind import blind_cells
from filterbench.plotting.style import style_of

# A sign for each marker of the figures, beside Plotly's name for it.
MARKERS = {
    "o": ("circle", "●"),
    "s": ("square", "■"),
    "^": ("triangle-up", "▲"),
    "D": ("diamond", "◆"),
    "d": ("diamond-tall", "♦"),
    "v": ("triangle-down", "▼"),
    "P": ("cross", "✚"),
    "X": ("x", "✖"),
    "<": ("triangle-left", "◀"),
    ">": ("triangle-right", "▶"),
    "h": ("hexagon", "⬢"),
    "H": ("hexagon2", "⬣"),
    "p": ("pentagon", "⬟"),
}
DASHES = {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot"}
DIGITS = 6


def styles_of(tables: Iterable[pd.DataFrame]) -> dict[str, dict[str, str]]:
    """By pruner the style of its curve, as in the figures."""
    pruners = dict.fromkeys(str(pruner) for table in tables for pruner in table["pruner"])
    found = {}
    for pruner in pruners:
        style = style_of(pruner)
        symbol, sign = MARKERS[style.marker]
        dash = DASHES.get(style.line, "dash") if isinstance(style.line, str) else "dash"
        marks = {"symbol": symbol, "sign": sign, "dash": dash}
        found[pruner] = {"label": style.label, "color": style.color, **marks}
    return found


def model_data(
    table: pd.DataFrame,
    others: Mapping[str, pd.DataFrame],
    claims: pd.DataFrame | None,
    latencies: Iterable[str] = (),
) -> dict[str, object]:
    """A model's curves, means over seeds, with its unpruned net, other studies' cells and papers' points.

    Args:
        table: its cells, as curves (`filterbench.analysis.budgets.as_curves`).
        others: by name, the cells of other studies.
        claims: points that papers report (`filterbench.analysis.claims.placed`).
        latencies: the names of relative latencies (`filterbench.analysis.recommending.MEASURED`) to show.
    """
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
            **dict.fromkeys(latencies, 1),
        },
        "curves": _curves(table, latencies),
        "others": {name: _curves(cells, latencies) for name, cells in others.items()},
        "claims": [] if claims is None else _points(claims),
    }


def _curves(table: pd.DataFrame, latencies: Iterable[str]) -> dict[str, dict[str, list]]:
    """By pruner, a list per quantity, one entry per sparsity."""
    cells = table[table["infeasible"].isna()]
    images = sum(cells.get(f"images_{use}", pd.Series(dtype=float)) for use in ("evaluated", "trained"))
    seconds = sum(cells.get(f"seconds_{stage}", pd.Series(dtype=float)) for stage in ("prune", "finetune"))
    quantities = {
        "accuracy": cells["performance_finetuned"],
        "seeds": cells.get("seeds"),
        "std": cells.get("performance_std"),
        "low": cells.get("performance_low"),
        "high": cells.get("performance_high"),
        "before": cells.get("performance_compact"),
        "params": cells["params_compact"],
        "flops": cells["flops_compact"],
        "images": images,
        "seconds": seconds,
        # The share of the seeds whose search was blind.
        "blind": pd.Series(cells.index.isin(blind_cells(cells).index), cells.index),
        "front_params": cells.get("pareto_params"),
        "front_flops": cells.get("pareto_flops"),
        **{name: cells.get(f"{name}_compact") for name in latencies},
    }
    points = pd.DataFrame(quantities, index=cells.index).astype(float)
    keys = {"pruner": cells["pruner"], "sparsity": cells["sparsity"]}
    means = points.assign(**keys).groupby(list(keys), sort=False).mean().reset_index()
    # In rising order along a line, even if a cell is infeasible with the first seed.
    means = means.sort_values("sparsity", kind="stable")
    return {
        str(pruner): {str(name): _numbers(curve[name]) for name in curve.columns if name != "pruner"}
        for pruner, curve in means.groupby("pruner", sort=False)
    }


def _points(claims: pd.DataFrame) -> list[dict[str, object]]:
    shown = claims[["label", "source", "pruner", "accuracy", "params", "flops", "like_for_like"]]
    values = shown.astype(object).where(shown.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in values.to_dict("records")]


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [None if pd.isna(value) else round(float(value), DIGITS) for value in values]
