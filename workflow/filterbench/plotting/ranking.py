"""Pruners under the same budgets: accuracy at each budget, and who cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from filterbench.analysis.leads import ALL
from filterbench.domain.targets import BUDGETS
from filterbench.plotting.scales import frame
from filterbench.plotting.style import style_of
from filterbench.plotting.titles import as_written, new_figure, set_title

# Dark to light, from the largest budget to the smallest; markers distinguish them in print.
# Their numbers have no common divisor, so that twenty budgets look different.
SHADES, MARKERS = ("#222222", "#0072B2", "#56B4E9", "#A9D5F0"), "osD^v"
GROUP_COLOR = "#D55E00"


def draw_ranking(table: pd.DataFrame, title: str) -> Figure:
    """Draw the rankings of `ranking.csv`.

    One row of panels per kind of budget and training budget: accuracies at each budget, distances from the
    most accurate pruner, and groups of pruners that are not told apart.
    """
    if table.empty:
        figure = new_figure(6, 2)
        figure.text(0.5, 0.4, "fewer than two pruners have nets under all budgets", ha="center")
        set_title(figure, title)
        return figure
    rows = table[table["model"] == ALL]
    rankings = [own for _, own in rows.groupby(["kind", "budget"], dropna=False, sort=False)]
    targets = sorted({target for target in rows["target"] if target != ALL}, key=float, reverse=True)
    ranked = int(rows["rank"].max())
    figure = new_figure(11, len(rankings) * (0.27 * ranked + 1.1) + 1.1, pad=0.08)
    panels = figure.subplots(len(rankings), 3, width_ratios=[5, 4, 1.2], squeeze=False)
    for (left, middle, right), own in zip(panels, rankings, strict=True):
        pooled = own[(own["target"] == ALL) & own["rank"].notna()].sort_values("rank")
        _draw_accuracies(left, own, list(pooled["pruner"]), targets)
        _draw_distances(middle, pooled)
        _draw_groups(right, pooled)
        epochs = own["budget"].iloc[0]
        trained = "" if pd.isna(epochs) else f", fine-tuned for {epochs:g} epochs"
        left.set_title(f"budgets of {BUDGETS[own['kind'].iloc[0]]}{trained}", fontsize=11, loc="left")
    about = "pruners in order of their accuracy, pooled over budgets and models"
    set_title(figure, title and f"{title}\n{about}")
    handles = _legend(targets, variants=bool(rows["variant_of"].notna().any()))
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _draw_accuracies(axes: Axes, own: pd.DataFrame, pruners: list[str], targets: Sequence[str]) -> None:
    """Accuracy at each budget, one line per pruner; those of its variants are hollow."""
    single = own[own["target"] != ALL]
    for number, target in enumerate(targets):
        color, marker = _look(number)
        at = single[single["target"] == target]
        named = at[at["variant_of"].isna()].set_index("pruner")["accuracy"]
        axes.plot(named.reindex(pruners), range(len(pruners)), marker, color=color, markersize=6)
        varied = at[at["variant_of"].isin(pruners)]
        lines = [pruners.index(str(base)) for base in varied["variant_of"]]
        axes.plot(varied["accuracy"], lines, marker, color=color, markersize=8, markerfacecolor="none")
    _lines(axes, len(pruners))
    axes.set_yticks(range(len(pruners)), [as_written(style_of(name).label) for name in pruners])
    axes.set_xlabel("test accuracy (%), mean over models and seeds")


def _draw_distances(axes: Axes, pooled: pd.DataFrame) -> None:
    """Points from the first pruner, all budgets pooled, with simultaneous intervals."""
    lines = range(len(pooled))
    axes.axvline(0, color="0.35", linewidth=1)
    bars = [pooled["difference"] - pooled["low"], pooled["high"] - pooled["difference"]]
    axes.errorbar(pooled["difference"], lines, xerr=bars, fmt="o", color="0.2", markersize=5, capsize=3)
    _lines(axes, len(pooled))
    axes.set_yticks(range(len(pooled)), [])
    axes.set_xlabel("points from the first, pooled")


def _draw_groups(axes: Axes, pooled: pd.DataFrame) -> None:
    """A bar for each group of pruners that are not told apart, with a dot at each of them."""
    members = [set(str(each).split()) for each in pooled["groups"]]
    numbers = sorted(set[str]().union(*members), key=int)
    for place, number in enumerate(numbers):
        lines = [line for line, own in enumerate(members) if number in own]
        axes.plot([place] * len(lines), lines, "-o", color=GROUP_COLOR, markersize=4, linewidth=1.5)
    _lines(axes, len(pooled))
    axes.set_xlim(-1, max(4, len(numbers)))
    axes.set_xticks([])
    axes.set_yticks(range(len(pooled)), [])
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xlabel("not told apart")


def _lines(axes: Axes, number: int) -> None:
    """The first pruner above, and a light line for each."""
    frame(axes)
    axes.set_ylim(number - 0.4, -0.6)


def _look(number: int) -> tuple[str, str]:
    return SHADES[number % len(SHADES)], MARKERS[number % len(MARKERS)]


def _legend(targets: Sequence[str], variants: bool) -> list[Artist]:
    def entry(label: str, color: str, marker: str, line: LineStyleType = "none") -> Line2D:
        return Line2D([], [], color=color, marker=marker, linestyle=line, label=label)

    def asked(number: int, target: str) -> Line2D:
        return entry(f"{float(target):.3g} of the original's cost", *_look(number))

    hollow = entry("a variant of the pruner", "0.35", "o")
    hollow.set_markerfacecolor("none")
    return [
        *(asked(number, target) for number, target in enumerate(targets)),
        *([hollow] if variants else []),
        entry("95 % intervals, all pairs together", "0.2", "|"),
        entry("pruners that are not told apart", GROUP_COLOR, "o", "-"),
    ]
