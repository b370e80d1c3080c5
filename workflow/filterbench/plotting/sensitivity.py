"""The accuracy of a net with one group of convolutions pruned alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterbench.plotting.scales import frame, show_all
from filterbench.plotting.titles import as_written, new_figure, set_title

# Inches; of a row of the heat map, and of all else above and below it.
ROW, REST = 0.19, 2.2


def draw_sensitivity(table: pd.DataFrame, title: str) -> Figure:
    """Draw a model's `sensitivity.csv`: accuracy against the rate by group, and the loss as a heat map.

    Both show the mean over seeds.
    """
    groups = int(table["group"].max())
    figure = new_figure(11.5, max(5.0, ROW * groups + REST))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    _draw_lines(left, table)
    _draw_losses(right, table)
    if title:
        first, seeds = table.iloc[0], sorted(table["seed"].unique())
        named = f"seed {seeds[0]}" if len(seeds) == 1 else f"mean of seeds {', '.join(map(str, seeds))}"
        title = (
            f"Each group of convolutions pruned alone: {title}\n"
            f"by {first['base_algo']}, without training; {first['protocol']} protocol; {named}; "
            f"{first['judging_images']} images that choose"
        )
    set_title(figure, title)
    return figure


def _draw_lines(axes: Axes, table: pd.DataFrame) -> None:
    """Accuracy against the rate; a line begins with the unpruned net."""
    depth = ScalarMappable(Normalize(1, max(2, table["group"].max())), "cividis")
    means = 100 * table.pivot_table("accuracy", "rate", "group")
    means.loc[0.0] = 100 * table.groupby("seed")["original"].first().mean()
    means = means.sort_index()
    for color, group in zip(depth.to_rgba(means.columns.to_numpy()), means.columns, strict=True):
        axes.plot(means[group], color=color, marker="o", markersize=3, linewidth=1.1)
    axes.set_xlabel("share of the group's filters removed")
    axes.set_ylabel("accuracy on the images that choose (%)")
    show_all(axes)
    frame(axes)
    bar = axes.figure.colorbar(depth, ax=axes, location="bottom", shrink=0.7, aspect=30)
    bar.set_label("group, in the order of the net")
    bar.ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_losses(axes: Axes, table: pd.DataFrame) -> None:
    """Points of accuracy lost, by group (down) and rate (across)."""
    losses = 100 * table.pivot_table("loss", "group", "rate")
    largest = max(1.0, losses.to_numpy().max())
    image = axes.imshow(losses, vmin=0, vmax=largest, cmap="cividis", aspect="auto", interpolation="nearest")
    names = table.groupby("group")["layers"].first()
    axes.set_yticks(
        range(len(names)), [_label(number, layers) for number, layers in names.items()], fontsize=8
    )
    axes.set_xticks(range(losses.shape[1]), [f"{rate:g}" for rate in losses.columns])
    axes.set_xlabel("share of the group's filters removed")
    axes.figure.colorbar(
        image, ax=axes, location="bottom", shrink=0.7, aspect=30, label="accuracy lost (points)"
    )


def _label(number: object, layers: str) -> str:
    """A group's number, its first convolution, and how many more it has."""
    first, *others = layers.split()
    return as_written(f"{first} + {len(others)}" if others else first) + f"  {number}"
