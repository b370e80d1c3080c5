"""The optimism gap: how much better a cell looks when the test images choose."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from filterbench.plotting.scales import frame
from filterbench.plotting.style import styled
from filterbench.plotting.titles import set_title


def draw_optimism(table: pd.DataFrame, title: str) -> Figure:
    """Draw the gap of `optimism.csv` against the sparsity, one curve per pruner; at 0 the unpruned net."""
    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.6", linewidth=1)
    for style, cells in styled(table):
        bars = [cells["mean"] - cells["low"], cells["high"] - cells["mean"]]
        axes.errorbar(
            cells["sparsity"],
            cells["mean"],
            bars,
            color=style.color,
            marker=style.marker,
            linewidth=1.4,
            elinewidth=0.9,
            capsize=2.5,
            label=style.label,
        )
    axes.set_xlabel("sparsity")
    axes.set_ylabel("test accuracy, test protocol minus validation protocol (points)")
    frame(axes)
    seeds = int(table["n"].max())
    counted = "one seed" if seeds == 1 else f"{seeds} seeds"
    drawn = "bars: 95 % t interval of the mean" if table["low"].notna().any() else "too few for bars"
    set_title(figure, f"{title}: optimism gap\n{counted}, {drawn}")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure
