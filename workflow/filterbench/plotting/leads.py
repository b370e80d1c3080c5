"""Leads over uniform nets: along the training budgets, and taken apart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from filterbench.analysis.leads import (
    ALL,
    ALLOCATION,
    EQUAL_BILL,
    INHERITANCE,
    LEAD,
    PARTS,
    TOGETHER,
    TRAINED,
)
from filterbench.plotting.style import Style, style_of
from filterbench.plotting.titles import set_title

# Of Tol 2021, "Colour Schemes" (light): no pruner has them, and hatches tell them apart in grey.
PART_STYLES = {
    ALLOCATION: ("#77AADD", ""),
    INHERITANCE: ("#EEDD88", "//"),
    TRAINED: ("#EE8866", ".."),
}
# Neighbouring curves are shifted by so much of the budget, that their intervals do not hide each other.
SHIFT = 1.05
BAR_WIDTH = 0.78
# How far from the middle of a bar its two marks stand.
ASIDE = 0.18


def draw_leads(table: pd.DataFrame, title: str) -> Figure:
    """Draw the figure of one model.

    Args:
        table: `leads.csv`, the rows of the model.
        title: what the cells are.
    """
    pooled = table[table["target"] == ALL]
    pruners, budgets = list(dict.fromkeys(pooled["pruner"])), sorted(pooled["budget"].unique())
    styles = {name: style_of(name, position) for position, name in enumerate(pruners)}
    width = max(4.4, 0.62 * len(pruners) * (len(budgets) + 1))
    figure = Figure(figsize=(5.2 + width, 5.6), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08))
    left, right = figure.subplots(1, 2, width_ratios=[4.6, width])
    _draw_along(left, pooled, styles, budgets)
    _draw_parts(right, pooled, styles, budgets)
    for axes in (left, right):
        axes.axhline(0, color="0.35", linewidth=1)
        axes.set_ylabel("points of test accuracy")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.92", linewidth=0.8)
        axes.set_axisbelow(True)
    # A model of which no pair has cells has no rows.
    seeds = int(pooled["n"].max()) if len(pooled) else 0
    counted = "1 seed" if seeds == 1 else f"{seeds} seeds"
    set_title(
        figure, f"{title}\nlead over the uniform net with as many parameters, all targets pooled, {counted}"
    )
    figure.legend(handles=_legend(styles), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw_along(axes: Axes, rows: pd.DataFrame, styles: dict[str, Style], budgets: Sequence[int]) -> None:
    """Lead, and allocation dashed, against the training budget."""
    for position, (pruner, style) in enumerate(styles.items()):
        shift = SHIFT ** (position - (len(styles) - 1) / 2)
        for component, line, size in ((LEAD, "-", 6), (ALLOCATION, "--", 0)):
            own = rows[(rows["pruner"] == pruner) & (rows["component"] == component)].sort_values("budget")
            own = own.dropna(subset="mean")
            axes.plot(
                own["budget"] * shift,
                own["mean"],
                line,
                color=style.color,
                marker=style.marker,
                markersize=size,
            )
            if component == LEAD:
                bars = [own["mean"] - own["low"], own["high"] - own["mean"]]
                axes.errorbar(
                    own["budget"] * shift, own["mean"], bars, fmt="none", ecolor=style.color, capsize=3
                )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(budgets))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{budget:g}" for budget in budgets]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("epochs of fine-tuning after the last cut")
    axes.set_title("the lead along the training budget", fontsize=11)


def _draw_parts(axes: Axes, rows: pd.DataFrame, styles: dict[str, Style], budgets: Sequence[int]) -> None:
    """The parts, stacked away from zero, a bar per pruner and training budget; on them the lead."""
    ticks, labels = [], []
    for group, (pruner, style) in enumerate(styles.items()):
        start = group * (len(budgets) + 1)
        own = rows[rows["pruner"] == pruner].set_index(["component", "budget"])["mean"]
        for index, budget in enumerate(budgets):
            place = start + index
            _stack(axes, place, [(part, float(own[part, budget])) for part in PARTS])
            lead = own[TOGETHER, budget] if pd.notna(own[TOGETHER, budget]) else own[LEAD, budget]
            marks = ((-ASIDE, lead, style.color), (ASIDE, own[EQUAL_BILL, budget], "white"))
            for shift, value, fill in marks:
                axes.plot(
                    place + shift,
                    value,
                    style.marker,
                    color="black",
                    markerfacecolor=fill,
                    markersize=8,
                    zorder=3,
                )
            ticks.append(place)
            labels.append(f"{budget:g}")
        middle = start + (len(budgets) - 1) / 2
        axes.annotate(
            style.label,
            (middle, 0),
            (0, -30),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    # Room below the lowest bar and above the highest.
    axes.use_sticky_edges = False
    axes.autoscale()
    axes.set_xticks(ticks, labels)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("epochs of fine-tuning after the last cut", labelpad=24)
    axes.set_title("what it is made of", fontsize=11)


def _stack(axes: Axes, place: float, parts: Sequence[tuple[str, float]]) -> None:
    """Parts above zero upon each other, those below it beneath each other; those without a value left out."""
    ends = {True: 0.0, False: 0.0}
    for part, value in parts:
        if pd.isna(value):
            continue
        color, hatch = PART_STYLES[part]
        axes.bar(
            place,
            value,
            BAR_WIDTH,
            bottom=ends[value > 0],
            color=color,
            hatch=hatch,
            edgecolor="0.35",
            linewidth=0.6,
        )
        ends[value > 0] += value


def _legend(styles: dict[str, Style]) -> list[Artist]:
    pruners: list[Artist] = [
        Line2D([], [], color=style.color, marker=style.marker, label=style.label) for style in styles.values()
    ]
    others: list[Artist] = [
        Line2D([], [], color="0.35", marker="|", markersize=9, linestyle="none", label="95 % t interval"),
        Line2D([], [], color="0.35", linestyle="--", label="allocation: both shapes from scratch"),
        *(
            Patch(facecolor=color, hatch=hatch, edgecolor="0.35", linewidth=0.6, label=part)
            for part, (color, hatch) in PART_STYLES.items()
        ),
        *(
            Line2D(
                [],
                [],
                color="0.35",
                marker="o",
                linestyle="none",
                markersize=8,
                markerfacecolor=fill,
                label=text,
            )
            for fill, text in (("0.35", "lead: the sum of its parts"), ("white", "lead at equal bill"))
        ),
    ]
    return [*pruners, *others]
