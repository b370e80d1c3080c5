"""Axes: logarithmic counts below, compression factors above, accuracy up."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

PRIMARY_TICKS = (1, 2, 5)
# Percent, with room for a marker at 100.
HIGHEST = 101
# matplotlib also asks where zero lies on the scale of factors.
SMALLEST = 1e-9


def scale(axes: Axes, label: str) -> None:
    """Logarithmic x axis, accuracy up."""
    axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("test accuracy (%)")
    show_all(axes)
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(LogLocator(subs=PRIMARY_TICKS, numticks=30))
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.xaxis.set_minor_formatter(NullFormatter())


def show_all(axes: Axes) -> None:
    """Accuracies as far as anything was drawn by now; to be called again when more has been."""
    axes.autoscale(axis="y")
    # The interval of a mean can reach beyond what an accuracy can be.
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), min(high, HIGHEST))


def plain_ticks(axes: Axes) -> None:
    """Ticks at plain numbers on a logarithmic x axis, for values that lie near each other."""
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def add_factors(axes: Axes, label: str, original: float) -> None:
    """Compression factors above."""

    def factor(count):
        return original / np.maximum(count, SMALLEST)

    factors = axes.secondary_xaxis("top", functions=(factor, factor))
    factors.set_xlabel(label)
    factors.xaxis.set_major_locator(LogLocator(subs=PRIMARY_TICKS, numticks=30))
    factors.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    factors.xaxis.set_minor_formatter(NullFormatter())
