"""The same cells after two trainings: as published, each pruner with its own, and all with as much."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from filterbench.plotting.comparison import PANELS, finish
from filterbench.plotting.marks import draw_curves, draw_originals
from filterbench.plotting.scales import add_factors, scale
from filterbench.plotting.style import style_of
from filterbench.plotting.titles import set_title

# What a cell was trained on after its baseline, and its accuracy.
TRAINED_AS_PUBLISHED = ["images_trained_after", "performance_finetuned"]
TRAINED_EQUALLY = ["images_trained_equal", "performance_equal"]


def draw_equal_training(tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw accuracy against params, a panel for each way of training, a curve a pruner.

    Args:
        tables: by heading, the cells of a model with that training's accuracy and its statistics.
        title: what the cells are.
    """
    figure = Figure(figsize=(12, 6.4), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    panels = figure.subplots(1, len(tables), sharey=True, sharex=True)
    for axes, (heading, table) in zip(panels, tables.items(), strict=True):
        original = float(table["params_original"].mean())
        draw_curves(axes, "params_compact", table)
        draw_originals(axes, original, table)
        axes.set_title(heading, fontsize=12)
    # Once all is drawn: the panels share what their accuracies reach.
    for axes, table in zip(panels, tables.values(), strict=True):
        original = float(table["params_original"].mean())
        scale(axes, PANELS[0].label)
        add_factors(axes, PANELS[0].factor_label, original)
    panels[-1].set_ylabel("")
    # Both panels count, for the curves that only one of them has.
    finish(figure, title, panels[0], pd.concat(tables.values()))
    return figure


def draw_training(table: pd.DataFrame, title: str) -> Figure:
    """Draw accuracy against the images trained on after the baseline, a panel a target.

    A line joins each pruner's cells after their own fine-tuning (filled) and at equal training (hollow).

    Args:
        table: the cells of a model: `images_trained_after` and `performance_finetuned`, and the same at equal
            training with `_equal` at the end.
        title: what the cells are.
    """
    targets = sorted(table["sparsity"].unique())
    figure = Figure(
        figsize=(3.1 * len(targets) + 0.8, 5.2), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    )
    panels = figure.subplots(1, len(targets), sharey=True, squeeze=False)[0]
    for axes, target in zip(panels, targets, strict=True):
        cells = table[table["sparsity"] == target]
        for position, (pruner, all_seeds) in enumerate(cells.groupby("pruner", sort=False)):
            style = style_of(str(pruner), position)
            means = all_seeds[[*TRAINED_AS_PUBLISHED, *TRAINED_EQUALLY]].mean()
            points = [means[TRAINED_AS_PUBLISHED], means[TRAINED_EQUALLY]]
            spent, accuracy = zip(*points, strict=True)
            label = style.label if axes is panels[0] else None
            axes.plot(spent, [100 * each for each in accuracy], color=style.color, linewidth=1, label=label)
            for (images, reached), fill in zip(points, (style.color, "white"), strict=True):
                axes.plot(
                    images,
                    100 * reached,
                    style.marker,
                    color=style.color,
                    markerfacecolor=fill,
                    markersize=6,
                )
        axes.set_title(f"sparsity {target:g}", fontsize=11)
    for axes in panels:
        scale(axes, "images trained on after the baseline")
        if axes is not panels[0]:
            axes.set_ylabel("")
    set_title(figure, title)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure
