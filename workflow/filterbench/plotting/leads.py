"""Leads over uniform nets: along the training budgets, and taken apart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator
from matplotlib.typing import LineStyleType

from filterbench.analysis.leads import ALL, ALLOCATION, EQUAL_BILL, LEAD, PARTS, TOGETHER
from filterbench.analysis.wording import counted
from filterbench.plotting.scales import frame
from filterbench.plotting.style import Style, style_of
from filterbench.plotting.titles import new_figure, set_title

# From Tol 2021, "Colour Schemes" (light). No pruner has these colours, and hatches distinguish them in grey.
PART_STYLES = dict(zip(PARTS, [("#77AADD", ""), ("#EEDD88", "//"), ("#EE8866", "..")], strict=True))
# Neighbouring curves are shifted by this factor of the budget, so that their intervals do not overlap.
SHIFT = 1.05
BAR_WIDTH = 0.78
# How far the two marks of a bar are from its middle.
ASIDE = 0.18


def draw_leads(table: pd.DataFrame, title: str) -> Figure:
    """Draw the figure of one model from its rows of `leads.csv`."""
    pooled = table[table["target"] == ALL]
    pruners, budgets = list(dict.fromkeys(pooled["pruner"])), sorted(pooled["budget"].unique())
    styles = {name: style_of(name) for name in pruners}
    width = max(4.4, 0.62 * len(pruners) * (len(budgets) + 1))
    figure = new_figure(5.2 + width, 5.6, pad=0.1)
    left, right = figure.subplots(1, 2, width_ratios=[4.6, width])
    _draw_along(left, pooled, styles, budgets)
    _draw_parts(right, pooled, styles, budgets)
    for axes in (left, right):
        axes.axhline(0, color="0.35", linewidth=1)
        axes.set_ylabel("points of test accuracy")
        frame(axes, "y")
    # The table may have no rows of a model.
    seeds = counted(int(pooled["n"].max()) if len(pooled) else 0, "seeds")
    # Besides `all`.
    several = table.groupby("pruner")["target"].nunique().max() > 2
    targets = ", all targets pooled" if several else ""
    about = f"lead over the uniform net with as many parameters{targets}"
    set_title(figure, f"{title}\n{about}, {seeds}")
    figure.legend(handles=_legend(styles), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw_along(axes: Axes, rows: pd.DataFrame, styles: dict[str, Style], budgets: Sequence[int]) -> None:
    """Lead, and allocation dashed, against the training budget."""
    for position, (pruner, style) in enumerate(styles.items()):
        shift = SHIFT ** (position - (len(styles) - 1) / 2)
        for component, line, size in ((LEAD, "-", 6), (ALLOCATION, "--", 0)):
            own = rows[(rows["pruner"] == pruner) & (rows["component"] == component)].sort_values("budget")
            own = own.dropna(subset="mean")
            budget, mean = own["budget"] * shift, own["mean"]
            axes.plot(budget, mean, f"{style.marker}{line}", color=style.color, markersize=size)
            if component == LEAD:
                bars = [mean - own["low"], own["high"] - mean]
                axes.errorbar(budget, mean, bars, fmt="none", ecolor=style.color, capsize=3)
    axes.set_xscale("log")
    axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("epochs of fine-tuning after the last cut")
    axes.set_title("the lead along the training budget", fontsize=11)


def _draw_parts(axes: Axes, rows: pd.DataFrame, styles: dict[str, Style], budgets: Sequence[int]) -> None:
    """The parts, stacked away from zero, one bar per pruner and training budget, and on it the lead."""
    ticks, labels = [], []
    for group, (pruner, style) in enumerate(styles.items()):
        start = group * (len(budgets) + 1)
        own = rows[rows["pruner"] == pruner].set_index(["component", "budget"])["mean"]
        for place, budget in enumerate(budgets, start):
            _stack(axes, place, [(part, float(own[part, budget])) for part in PARTS])
            lead = own[TOGETHER, budget] if pd.notna(own[TOGETHER, budget]) else own[LEAD, budget]
            marks = ((-ASIDE, lead, style.color), (ASIDE, own[EQUAL_BILL, budget], "white"))
            for shift, value, fill in marks:
                (mark,) = axes.plot(place + shift, value, style.marker, color="black", markersize=8, zorder=3)
                mark.set_markerfacecolor(fill)
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
    """Stack parts above zero upwards and parts below zero downwards; skip parts without a value."""
    ends = {True: 0.0, False: 0.0}
    for part, value in parts:
        if pd.isna(value):
            continue
        color, hatch = PART_STYLES[part]
        bars = axes.bar(place, value, BAR_WIDTH, bottom=ends[value > 0], color=color, hatch=hatch)
        bars[0].set(edgecolor="0.35", linewidth=0.6)
        ends[value > 0] += value


def _legend(styles: dict[str, Style]) -> list[Artist]:
    def entry(label: str, color: str, marker: str, line: LineStyleType = "none", size: float = 8) -> Line2D:
        return Line2D([], [], color=color, marker=marker, linestyle=line, markersize=size, label=label)

    hollow = entry("lead at equal bill", "0.35", "o")
    hollow.set_markerfacecolor("white")
    return [
        *(entry(style.label, style.color, style.marker, "-", size=6) for style in styles.values()),
        entry("95 % t interval", "0.35", "|", size=9),
        entry("allocation: both shapes from scratch", "0.35", "none", "--"),
        *(
            Patch(facecolor=color, hatch=hatch, edgecolor="0.35", linewidth=0.6, label=part)
            for part, (color, hatch) in PART_STYLES.items()
        ),
        entry("sum of the parts", "0.35", "o"),
        hollow,
    ]
