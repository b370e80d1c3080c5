"""The sparsity that pruners chose for each layer, and the scores along their searches."""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterbench.plotting.scales import frame
from filterbench.plotting.style import style_of
from filterbench.plotting.titles import set_title

COLUMNS = 3
SHARE = ScalarMappable(Normalize(0, 1), "cividis")


def draw_layer_sparsities(layers: pd.DataFrame, title: str) -> Figure:
    """One heat map per pruner: share of pruned filters by convolution (down) and asked sparsity (across).

    `layers` has one row per convolution of a cell: pruner, sparsity, layer (its number, from 1), pruned
    (0..1, or NaN, which leaves a blank).
    """
    pruners = list(dict.fromkeys(layers["pruner"]))
    rows = math.ceil(len(pruners) / COLUMNS)
    depth = int(layers["layer"].max())
    figure = Figure(figsize=(9, rows * max(3.0, 0.11 * depth + 1.2) + 0.6), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, pruner in zip(grid, pruners, strict=False):
        values = layers[layers["pruner"] == pruner].pivot(index="layer", columns="sparsity", values="pruned")
        edges = (-0.5, values.shape[1] - 0.5, len(values) + 0.5, 0.5)
        axes.imshow(
            values, norm=SHARE.norm, cmap=SHARE.cmap, aspect="auto", interpolation="nearest", extent=edges
        )
        style = style_of(pruner)
        axes.set_title(style.label, fontsize=11)
        axes.set_xticks(range(values.shape[1]), [f"{sparsity:g}" for sparsity in values.columns])
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"asked {style.asked}")
        axes.set_ylabel("convolution")
    for axes in grid[len(pruners) :]:
        axes.set_visible(False)
    figure.colorbar(SHARE, ax=list(grid), label="share of filters pruned", shrink=0.6)
    set_title(figure, title)
    return figure


def draw_search_scores(searches: Mapping[tuple[str, float], pd.DataFrame], title: str) -> Figure:
    """One panel per pruner: the candidates' scores over the steps, one line per cell; dots are accepted.

    `searches` has, by (pruner, sparsity), a table with step, score (0..1) and accepted.
    """
    pruners = list(dict.fromkeys(pruner for pruner, _ in searches))
    figure = Figure(figsize=(9, 3.1 * max(1, len(pruners)) + 0.6), layout="constrained")
    grid = figure.subplots(max(1, len(pruners)), 1, squeeze=False).ravel()
    sparsities = sorted({sparsity for _, sparsity in searches})
    shades = matplotlib.colormaps["cividis"](np.linspace(0.05, 0.9, len(sparsities)))
    colors = dict(zip(sparsities, shades, strict=True))
    for axes, pruner in zip(grid, pruners, strict=False):
        for (owner, sparsity), steps in searches.items():
            if owner != pruner:
                continue
            taken = steps[steps["accepted"]]
            axes.plot(steps["step"], 100 * steps["score"], color=colors[sparsity], linewidth=0.8, alpha=0.7)
            axes.plot(taken["step"], 100 * taken["score"], "o", color=colors[sparsity], markersize=3.5)
            axes.plot([], [], "o-", color=colors[sparsity], markersize=3.5, label=f"{sparsity:g}")
        style = style_of(pruner)
        axes.set_title(style.label, fontsize=11)
        axes.set_ylabel("selection accuracy (%)")
        frame(axes)
        axes.legend(title=style.asked, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    grid[-1].set_xlabel("step of the search (dots: the search went on from here)")
    set_title(figure, title)
    return figure
