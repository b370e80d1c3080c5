"""Cells after two trainings against the images of each: as published, and at equal training."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from filterbench.plotting.scales import scale
from filterbench.plotting.style import styled
from filterbench.plotting.titles import new_figure, set_title

# The images that a cell was trained on after its baseline, and its accuracy.
TRAINED_AS_PUBLISHED = ["images_trained_after", "performance_finetuned"]
TRAINED_EQUALLY = ["images_trained_equal", "performance_equal"]


def draw_training(table: pd.DataFrame, title: str) -> Figure:
    """Draw accuracy against the images trained on after the baseline, one panel per target.

    A line joins each pruner's cells after their own fine-tuning (filled) and at equal training (hollow). The
    table has the columns `TRAINED_AS_PUBLISHED` and `TRAINED_EQUALLY`.
    """
    targets = sorted(table["sparsity"].unique())
    figure = new_figure(3.1 * len(targets) + 0.8, 5.2, pad=0.1)
    panels = figure.subplots(1, len(targets), sharey=True, squeeze=False)[0]
    for axes, target in zip(panels, targets, strict=True):
        for style, all_seeds in styled(table[table["sparsity"] == target]):
            means = all_seeds[[*TRAINED_AS_PUBLISHED, *TRAINED_EQUALLY]].mean()
            points = [means[TRAINED_AS_PUBLISHED], means[TRAINED_EQUALLY]]
            spent, accuracy = zip(*points, strict=True)
            per_cent = [100 * each for each in accuracy]
            look = {"color": style.color, "marker": style.marker, "markersize": 6}
            label = style.label if axes is panels[0] else None
            axes.plot(spent, per_cent, linewidth=1, label=label, **look)
            axes.plot(spent[1], per_cent[1], markerfacecolor="white", **look)
        axes.set_title(f"sparsity {target:g}", fontsize=11)
    for axes in panels:
        scale(axes, "images trained on after the baseline")
        if axes is not panels[0]:
            axes.set_ylabel("")
    panels[0].plot([], [], "o", color="black", markerfacecolor="white", label="at equal training (hollow)")
    set_title(figure, title)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure
