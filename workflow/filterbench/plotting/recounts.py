"""Printed reductions against those counted from stated layers."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from filterbench.plotting.titles import as_written, new_figure, set_title

PANELS = {"params_reduction": "params", "flops_reduction": "FLOPs"}
AGREES, OFF = "#0072B2", "#D55E00"
# Per cent fewer; below it no row is.
LEAST = 15
# From here a name would leave the panel.
FAR_RIGHT = 75


def draw_recounts(numbers: pd.DataFrame, title: str) -> Figure:
    """Draw printed against recounted reductions; on the line they agree.

    Args:
        numbers: one row per number: `key` of `PANELS`, `printed` and `recounted` in per cent, `agrees`
            (bool), and `label`, the row's name.
        title: what the rows are.
    """
    figure = new_figure(9, 4.9)
    for axes, (key, cost) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
        axes.plot([LEAST, 100], [LEAST, 100], color="0.7", linewidth=1, zorder=0)
        rows = numbers[numbers["key"] == key]
        for agrees, color, marker in ((True, AGREES, "o"), (False, OFF, "D")):
            own = rows[rows["agrees"] == agrees]
            name = "agrees" if agrees else "differs"
            axes.plot(own["printed"], own["recounted"], marker, color=color, markersize=6, label=name)
        off = rows[~rows["agrees"]]
        rows_off = zip(off["label"], off["printed"], off["recounted"], strict=True)
        for place, (label, *point) in enumerate(rows_off):
            # Neighbours in the table are often neighbours here.
            height = 3 if place % 2 else -10
            side, beside = ("right", -6) if point[0] > FAR_RIGHT else ("left", 6)
            text = axes.annotate(
                as_written(label),
                point,
                xytext=(beside, height),
                textcoords="offset points",
                fontsize=8,
                ha=side,
            )
            text.set_path_effects([withStroke(linewidth=2, foreground="white")])
        axes.set(xlabel=f"{cost}: per cent fewer, as printed", ylabel="counted from the stated layers")
        axes.set(xlim=(LEAST, 100), ylim=(LEAST, 100), aspect="equal")
        axes.legend(loc="lower right", frameon=False)
    set_title(figure, title)
    return figure
