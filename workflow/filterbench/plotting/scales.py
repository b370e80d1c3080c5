"""Axes: logarithmic counts below, compression factors above, accuracy upwards."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

PRIMARY_TICKS = (1, 2, 5)
# Percent, with room for a marker at 100.
HIGHEST = 101
# matplotlib also asks where zero lies on the scale of factors.
SMALLEST = 1e-9


def scale(axes: Axes, label: str) -> None:
    """Logarithmic x axis with a label, and accuracy as y axis."""
    axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("test accuracy (%)")
    show_all(axes)
    frame(axes)
    axes.xaxis.set_major_locator(LogLocator(subs=PRIMARY_TICKS, numticks=30))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.xaxis.set_minor_formatter(NullFormatter())


def frame(axes: Axes, grid: Literal["both", "y"] = "both") -> None:
    """A light grid behind the marks, and no lines above and on the right."""
    axes.grid(axis=grid, color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def show_all(axes: Axes) -> None:
    """Fit the y axis to all accuracies drawn so far; call it again after drawing more."""
    axes.autoscale(axis="y")
    # The interval of a mean can be wider than the range of accuracies.
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), min(high, HIGHEST))


def plain_ticks(axes: Axes) -> None:
    """Ticks at plain numbers on a logarithmic x axis, for values near each other."""
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def add_factors(axes: Axes, label: str, original: float) -> None:
    """A second x axis above, of compression factors."""

    def factor(count):
        return original / np.maximum(count, SMALLEST)

    factors = axes.secondary_xaxis("top", functions=(factor, factor))
    factors.set_xlabel(label)
    factors.xaxis.set_major_locator(LogLocator(subs=PRIMARY_TICKS, numticks=30))
    factors.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    factors.xaxis.set_minor_formatter(NullFormatter())
