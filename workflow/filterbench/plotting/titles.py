"""The title of a figure."""

from matplotlib.figure import Figure

SIZE = 13
# Of the figure's width.
WIDEST = 0.97


def set_title(figure: Figure, title: str) -> None:
    """Write the title above the panels, smaller where it would not fit: a study's name can be long."""
    heading = figure.suptitle(title, fontsize=SIZE, linespacing=1.5)
    share = heading.get_window_extent().width / (WIDEST * figure.bbox.width)
    heading.set_fontsize(SIZE / max(1, share))
