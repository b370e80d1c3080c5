"""Accuracy against params and against FLOPs, one curve per pruner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from filterbench.plotting import marks
from filterbench.plotting.scales import add_factors, plain_ticks, scale, show_all
from filterbench.plotting.titles import new_figure, set_title


@dataclass(frozen=True)
class Panel:
    """The column on the x axis of a panel, and the labels below and above."""

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
    others: Mapping[str, pd.DataFrame] | None = None,
    claims: pd.DataFrame | None = None,
) -> Figure:
    """Draw the figure of one model.

    Args:
        table: `comparison.csv` of the model, one row per cell; with several seeds, their standard deviation
            is a band and the 95 % t interval of their mean a bar.
        title: what the cells are.
        others: by name, the cells of other studies in the same columns, drawn hollow and behind.
        claims: points that papers report (`filterbench.analysis.claims.placed`).
    """
    # Room for a long legend.
    figure = new_figure(7.5, 9.4 + 0.3 * max(0, table["pruner"].nunique() - 9))
    upper, lower = figure.subplots(2, 1, sharey=True)
    for axes, panel in zip((upper, lower), PANELS, strict=True):
        _draw_panel(axes, panel, table)
        for name, cells in (others or {}).items():
            marks.draw_behind(axes, panel.column, cells, name)
        if claims is not None:
            marks.draw_claims(axes, panel.column, claims)
        show_all(axes)
    finish(figure, title, upper, table)
    return figure


def draw_cost(table: pd.DataFrame, title: str) -> Figure:
    """Draw a model's `comparison.csv`: accuracy against the wall-clock time of pruning and fine-tuning."""
    figure = new_figure(7.5, 5.5)
    axes = figure.subplots()
    table = table.assign(seconds=table["seconds_prune"] + table["seconds_finetune"])
    marks.draw_curves(axes, "seconds", table)
    scale(axes, "seconds of pruning and fine-tuning (a trajectory's are those of all its sparsities)")
    finish(figure, title, axes, table)
    return figure


def draw_latency(table: pd.DataFrame, runtimes: Sequence[str], title: str) -> Figure:
    """Draw accuracy against the latency of one image and of a batch from a model's `latency.csv`, by runtime.

    Latencies are relative to the original net's. Each cell times both nets in turns, so other load on the
    machine shifts both alike.
    """
    figure = new_figure(7.5 * len(runtimes), 9.6)
    panels = figure.subplots(2, len(runtimes), sharey=True, squeeze=False)
    for column, runtime in zip(panels.T, runtimes, strict=True):
        for axes, batch, images in zip(column, ("single", "batch"), ("one image", "a batch"), strict=True):
            name = f"{runtime}_{batch}"
            original = table[f"latency_{name}_original"].median()
            label = f"{runtime}: latency of {images}, relative to the original's {original:.3g} ms"
            panel = Panel(f"relative_{name}", label, "times faster")
            _draw_panel(axes, panel, table.assign(**{f"relative_{name}_original": 1.0}))
            plain_ticks(axes)
    finish(figure, title, panels[0, 0], table)
    return figure


def measurement_title(table: pd.DataFrame) -> str:
    """How and on which machines the latencies of a model's `latency.csv` were measured, in one line."""
    cells = table[table["infeasible"].isna()]
    settings = cells.iloc[0]
    machines = ", ".join(sorted(cells["machine"].unique()))
    threads = "1 thread" if settings["threads"] == 1 else f"{settings['threads']:.0f} threads"
    return f"{machines}, {threads}, median of {settings['runs']:.0f} runs, batch of {settings['batch']:.0f}"


def study_title(table: pd.DataFrame, model: str, dataset: str) -> str:
    """What the cells of a model's `comparison.csv` are, in two lines."""
    first = table[table["infeasible"].isna()].iloc[0]
    seeds = sorted(table["seed"].unique())
    all_seeds = f"mean of seeds {', '.join(map(str, seeds))}"
    named = f"seed {seeds[0]} only (no error bars)" if len(seeds) == 1 else all_seeds
    size = first.get("image_size")
    sized = "" if size is None or pd.isna(size) else f" of {size:g}x{size:g} pixels"
    return (
        f"{model} (width {first['width']:g}) on {dataset}, pruned and fine-tuned: study {first['study']}\n"
        f"{first['protocol']} protocol, {named}, {first['test_images']:.0f} test images{sized}"
    )


def finish(figure: Figure, title: str, axes: Axes, table: pd.DataFrame, others: Iterable[Axes] = ()) -> None:
    """Add a title, and a legend of the marks in `axes` and of the table's spreads and intervals.

    Marks that only other axes have join the legend.
    """
    set_title(figure, title)
    handles, labels = axes.get_legend_handles_labels()
    for other in others:
        for handle, label in zip(*other.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    if table["performance_std"].notna().any():
        handles.append(Patch(color="0.4", alpha=0.25, linewidth=0))
        labels.append(f"± 1 standard deviation, {table['seeds'].max()} seeds")
    if table["performance_low"].notna().any():
        handles.append(Line2D([], [], color="0.4", marker="|", markersize=9, linestyle="none"))
        labels.append("95 % t interval of the mean")
    for columns in (3, 2, 1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def _draw_panel(axes: Axes, panel: Panel, table: pd.DataFrame) -> None:
    spent, original = f"{panel.column}_compact", float(table[f"{panel.column}_original"].mean())
    marks.draw_curves(axes, spent, table)
    marks.draw_scratch(axes, spent, table)
    marks.draw_front(axes, spent, table[table[f"pareto_{panel.column}"]])
    marks.draw_originals(axes, original, table)
    scale(axes, panel.label)
    add_factors(axes, panel.factor_label, original)
