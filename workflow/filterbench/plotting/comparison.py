"""Accuracy against params and against FLOPs, one curve a pruner."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from filterbench.plotting.style import SCRATCH_LOOKS, look_of

# Fixed ids make the same figure the same bytes.
matplotlib.rcParams["svg.hashsalt"] = "filterbench"
matplotlib.rcParams["axes.formatter.use_mathtext"] = True

PRIMARY_TICKS = (1, 2, 5)
# Percent, with room for a marker at 100.
HIGHEST = 101
# matplotlib also asks where zero lies on the scale of factors.
SMALLEST = 1e-9


STATISTICS = [f"performance_{name}" for name in ("mean", "std", "low", "high")]


@dataclass(frozen=True)
class Panel:
    """One panel: what its x axis shows."""

    column: str
    label: str
    factor_label: str


PANELS = (
    Panel("params", "parameters after speedup", "times fewer parameters"),
    Panel("flops", "FLOPs after speedup (multiply-accumulates of one image)", "times fewer FLOPs"),
)


def draw_comparison(
    table: pd.DataFrame,
    title: str,
    published: pd.DataFrame | None = None,
    paper: pd.DataFrame | None = None,
) -> Figure:
    """Draw the figure of one model.

    Args:
        table: `comparison.csv` of the model, one row a cell; with several seeds, their standard deviation
            is a band and the 95 % t interval of their mean a bar.
        title: what the cells are.
        published: published cells in the same columns, drawn hollow and behind.
        paper: points that a paper reports (accuracy, params, flops), drawn with a note.
    """
    figure = Figure(figsize=(7.5, 9.4), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.08))
    upper, lower = figure.subplots(2, 1, sharey=True)
    for axes, panel in zip((upper, lower), PANELS, strict=True):
        _draw_panel(axes, panel, table)
        if published is not None:
            _draw_published(axes, panel, published)
        if paper is not None and len(paper):
            _draw_paper(axes, panel, paper)
    _finish(figure, title, upper, table)
    return figure


def draw_cost(table: pd.DataFrame, title: str) -> Figure:
    """Draw accuracy against the wall-clock time of pruning and fine-tuning, a curve a pruner.

    Args:
        table: `comparison.csv` of the model, one row a cell.
        title: what the cells are.
    """
    figure = Figure(figsize=(7.5, 5.5), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.08))
    axes = figure.subplots()
    table = table.assign(seconds=table["seconds_prune"] + table["seconds_finetune"])
    _draw_curves(axes, "seconds", table)
    _scale(axes, "seconds of pruning and fine-tuning (a trajectory's are those of all its sparsities)")
    _finish(figure, title, axes, table)
    return figure


def draw_latency(table: pd.DataFrame, title: str) -> Figure:
    """Draw accuracy against the measured latency of one image and of a batch, a curve a pruner.

    Latencies are relative to the original net's, which each cell times in turns with its own net: what else
    the machine did at that time shifts both alike.

    Args:
        table: `latency.csv` of the model, one row a cell.
        title: what the cells are.
    """
    figure = Figure(figsize=(7.5, 9.6), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.08))
    panels = figure.subplots(2, 1, sharey=True)
    for axes, name, images in zip(panels, ("single", "batch"), ("one image", "a batch"), strict=True):
        original = table[f"latency_{name}_original"].median()
        label = f"latency of {images}, relative to the original net's {original:.3g} ms"
        panel = Panel(f"relative_{name}", label, "times faster")
        _draw_panel(axes, panel, table.assign(**{f"relative_{name}_original": 1.0}))
        axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _finish(figure, title, panels[0], table)
    return figure


def measurement_title(table: pd.DataFrame) -> str:
    """How and on what the latencies of a model's `latency.csv` were measured, in one line."""
    cells = table[table["infeasible"].isna()]
    settings = cells.iloc[0]
    machines = ", ".join(sorted(cells["machine"].unique()))
    threads = "1 thread" if settings["threads"] == 1 else f"{settings['threads']:.0f} threads"
    return f"{machines}, {threads}, median of {settings['runs']:.0f} runs, batch of {settings['batch']:.0f}"


def study_title(table: pd.DataFrame, model: str, dataset: str) -> str:
    """What the cells of a study are, in two lines.

    Args:
        table: `comparison.csv` of the model.
        model: the model's name.
        dataset: the dataset's name.
    """
    first = table[table["infeasible"].isna()].iloc[0]
    seeds = sorted(table["seed"].unique())
    named = (
        f"seed {seeds[0]} only (no error bars)"
        if len(seeds) == 1
        else f"mean of seeds {', '.join(map(str, seeds))}"
    )
    return (
        f"{model} (width {first['width']:g}) on {dataset}, pruned and fine-tuned\n"
        f"{first['protocol']} protocol, {named}, {first['test_images']:.0f} test images"
    )


def _finish(figure: Figure, title: str, axes: Axes, table: pd.DataFrame) -> None:
    """Title and legend, which names the spread over seeds where it is drawn."""
    figure.suptitle(title, fontsize=13, linespacing=1.5)
    handles, labels = axes.get_legend_handles_labels()
    if table["performance_std"].notna().any():
        handles += [
            Patch(color="0.4", alpha=0.25, linewidth=0),
            Line2D([], [], color="0.4", marker="|", markersize=9, linestyle="none"),
        ]
        labels += [f"± 1 standard deviation, {table['seeds'].max()} seeds", "95 % t interval of the mean"]
    for columns in (3, 2, 1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def _draw_panel(axes: Axes, panel: Panel, table: pd.DataFrame) -> None:
    spent, original = f"{panel.column}_speedup", float(table[f"{panel.column}_original"].mean())
    accuracy = 100 * float(table["performance_original"].mean())
    axes.axhline(accuracy, color="0.6", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    _draw_curves(axes, spent, table)
    _draw_scratch(axes, spent, table)
    _draw_front(axes, spent, table[table[f"pareto_{panel.column}"]])
    axes.plot(original, accuracy, "*", color="black", markersize=14, linestyle="none", label="original")
    _scale(axes, panel.label)
    _add_factors(axes, panel, original)


def _draw_scratch(axes: Axes, spent: str, table: pd.DataFrame) -> None:
    """The compact shapes trained from scratch, behind the curves, at the budgets that the table has."""
    for budget, look in SCRATCH_LOOKS.items():
        column = f"performance_scratch_{budget}"
        if column not in table:
            continue
        cells = table.groupby(["pruner", "sparsity"])[[spent, column]].mean()
        axes.plot(
            cells[spent],
            100 * cells[column],
            marker=look.marker,
            linestyle="none",
            markersize=7,
            markerfacecolor="none",
            markeredgecolor=look.color,
            zorder=1,
            label=look.label,
        )


def _draw_front(axes: Axes, spent: str, front: pd.DataFrame) -> None:
    """A ring around each cell that no other beats."""
    cells = front.groupby(["pruner", "sparsity"])[[spent, "performance_finetuned"]].mean()
    axes.plot(
        cells[spent],
        100 * cells["performance_finetuned"],
        "o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor="black",
        markeredgewidth=0.8,
        label="on the front",
    )


def _draw_published(axes: Axes, panel: Panel, published: pd.DataFrame) -> None:
    """The published cells, hollow and behind; one entry in the legend for all."""
    for position, (pruner, cells) in enumerate(published.groupby("pruner", sort=False)):
        look = look_of(str(pruner), position)
        axes.plot(
            cells[f"{panel.column}_speedup"],
            100 * cells["performance_finetuned"],
            marker=look.marker,
            linestyle="none",
            markerfacecolor="none",
            markeredgecolor=look.color,
            markersize=6,
            alpha=0.7,
            zorder=1,
            label="published (hollow)" if position == 0 else None,
        )


def _draw_paper(axes: Axes, panel: Panel, paper: pd.DataFrame) -> None:
    """Points that a paper reports, which were not measured in the same way."""
    for position, (pruner, points) in enumerate(paper.groupby("pruner", sort=False)):
        look = look_of(f"{pruner}Pruner", position)
        axes.plot(
            points[panel.column],
            100 * points["accuracy"],
            marker="X",
            linestyle="none",
            markerfacecolor="white",
            markeredgecolor=look.color,
            markeredgewidth=1.5,
            markersize=10,
            label=f"{look.label} paper (not like for like)",
        )


def _draw_curves(axes: Axes, spent: str, table: pd.DataFrame) -> None:
    """A curve a pruner: mean accuracy over seeds against the mean of a column, by sparsity."""
    for position, (pruner, all_cells) in enumerate(table.groupby("pruner", sort=False)):
        look = look_of(str(pruner), position)
        cells = all_cells[all_cells["infeasible"].isna()]
        curve = cells.groupby("sparsity")[[spent, *STATISTICS]].mean()
        _draw_spread(axes, curve[spent], 100 * curve[STATISTICS], look.color)
        axes.plot(
            curve[spent],
            100 * curve["performance_mean"],
            color=look.color,
            marker=look.marker,
            linestyle=look.line,
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=1.4,
            label=_label(look.label, all_cells),
        )


def _draw_spread(axes: Axes, spent: pd.Series, percent: pd.DataFrame, color: str) -> None:
    """A band of one standard deviation and bars of the mean's interval, where there are several seeds."""
    if percent["performance_std"].isna().all():
        return
    mean, std = percent["performance_mean"], percent["performance_std"]
    axes.fill_between(spent, mean - std, mean + std, color=color, alpha=0.15, linewidth=0)
    bars = [mean - percent["performance_low"], percent["performance_high"] - mean]
    axes.errorbar(spent, mean, bars, color=color, linestyle="none", linewidth=0.9, capsize=2.5)


def _label(pruner: str, cells: pd.DataFrame) -> str:
    """The pruner's name, with the sparsities that it could not reach."""
    missing = sorted(cells.loc[cells["infeasible"].notna(), "sparsity"].unique())
    return (
        f"{pruner} (infeasible: {', '.join(f'{sparsity:g}' for sparsity in missing)})" if missing else pruner
    )


def _scale(axes: Axes, label: str) -> None:
    """Logarithmic x axis, accuracy up."""
    axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("test accuracy (%)")
    # The interval of a mean can reach beyond what an accuracy can be.
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), min(high, HIGHEST))
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(LogLocator(subs=PRIMARY_TICKS, numticks=30))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _add_factors(axes: Axes, panel: Panel, original: float) -> None:
    """Compression factors above."""

    def factor(count):
        return original / np.maximum(count, SMALLEST)

    factors = axes.secondary_xaxis("top", functions=(factor, factor))
    factors.set_xlabel(panel.factor_label)
    factors.xaxis.set_major_locator(LogLocator(subs=PRIMARY_TICKS, numticks=30))
    factors.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    factors.xaxis.set_minor_formatter(NullFormatter())
