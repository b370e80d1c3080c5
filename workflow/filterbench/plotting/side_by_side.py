"""Cells of one model in several panels, such as after two trainings or of several machines."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterbench.plotting.comparison import PANELS, finish
from filterbench.plotting.marks import draw_curves, draw_originals
from filterbench.plotting.scales import add_factors, scale
from filterbench.plotting.titles import as_written, new_figure


def draw_side_by_side(tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw accuracy against params, one panel per table.

    Args:
        tables: by heading, cells with their accuracy and its statistics, in the columns of `comparison.csv`.
        title: what the cells are.
    """
    figure = new_figure(6 * len(tables), 6.4, pad=0.12)
    panels = figure.subplots(1, len(tables), sharey=True, sharex=True, squeeze=False)[0]
    for axes, (heading, table) in zip(panels, tables.items(), strict=True):
        draw_curves(axes, "params_compact", table)
        draw_originals(axes, float(table["params_original"].mean()), table)
        axes.set_title(as_written(heading), fontsize=12)
    # Only after all curves are drawn: the panels share the range of their accuracies.
    for axes, table in zip(panels, tables.values(), strict=True):
        scale(axes, PANELS[0].label)
        add_factors(axes, PANELS[0].factor_label, float(table["params_original"].mean()))
    for axes in panels[1:]:
        axes.set_ylabel("")
    # A curve may be in only one of the panels.
    finish(figure, title, panels[0], pd.concat(tables.values()), panels[1:])
    return figure
