"""The effect of int8: accuracy and time of the same nets in float32 and in int8."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterbench.plotting.comparison import PANELS, finish
from filterbench.plotting.marks import draw_curves, draw_originals, draw_star
from filterbench.plotting.scales import add_factors, plain_ticks, scale
from filterbench.plotting.style import styled
from filterbench.plotting.titles import new_figure

DASHES = (0, (3, 2))


def draw_int8(table: pd.DataFrame, title: str) -> Figure:
    """Draw a model's `int8.csv`: accuracy against time in both formats, and loss in int8 against params."""
    figure = new_figure(7.5, 10)
    upper, lower = figure.subplots(2, 1)
    _draw_accuracies(upper, table)
    _draw_losses(lower, table)
    finish(figure, title, upper, table)
    return figure


def _draw_accuracies(axes: Axes, table: pd.DataFrame) -> None:
    draw_curves(axes, "relative_batch_finetuned", table)
    spent, accuracy = "relative_batch_finetuned_int8", "performance_finetuned_int8"
    _draw_means(axes, table, spent, accuracy, DASHES, "int8")
    draw_originals(axes, 1.0, table)
    means = table[["relative_batch_original_int8", "performance_original_int8"]].mean()
    draw_star(axes, means.iloc[0], 100 * means.iloc[1], "white", "original in int8")
    original = table["latency_batch_original"].median()
    scale(axes, f"latency of a batch, relative to the float32 original's {original:.3g} ms")
    plain_ticks(axes)
    add_factors(axes, "times faster", 1.0)


def _draw_losses(axes: Axes, table: pd.DataFrame) -> None:
    lost = table.assign(lost=table["performance_finetuned"] - table["performance_finetuned_int8"])
    _draw_means(axes, lost, "params_compact", "lost", "-", None)
    original = float(table["params_original"].mean())
    taken = (table["performance_original"] - table["performance_original_int8"]).mean()
    draw_star(axes, original, 100 * taken, "black", "original")
    axes.axhline(0, color="0.6", linewidth=1, zorder=0)
    limits = axes.get_ylim()
    scale(axes, PANELS[0].label)
    axes.set_ylim(limits)
    axes.set_ylabel("accuracy lost in int8 (points)")
    add_factors(axes, PANELS[0].factor_label, original)


def _draw_means(
    axes: Axes, table: pd.DataFrame, spent: str, accuracy: str, line: str | tuple, label: str | None
) -> None:
    """One hollow curve per pruner of the means over seeds, by target; one entry in the legend for all."""
    entry = f"the same in {label} (hollow)" if label else None
    for style, cells in styled(table):
        means = cells.groupby("sparsity")[[spent, accuracy]].mean()
        (curve,) = axes.plot(means[spent], 100 * means[accuracy], style.marker, markersize=6, label=entry)
        curve.set(color=style.color, linestyle=line, linewidth=1.2, markerfacecolor="white")
        entry = None
