"""A figure with its title, and texts of users in figures."""

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

SIZE = 13
# Share of the figure's width.
WIDEST = 0.97


def new_figure(width: float, height: float, pad: float = 0.15) -> Figure:
    """An empty figure; sizes and the horizontal padding are in inches."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=pad, h_pad=0.08))


def set_title(figure: Figure, title: str) -> None:
    """Write a title, if there is one, above the panels, smaller if it would not fit: a name can be long."""
    if not title:
        return
    heading = figure.suptitle(as_written(title), fontsize=SIZE, linespacing=1.5)
    share = heading.get_window_extent().width / (WIDEST * figure.bbox.width)
    heading.set_fontsize(SIZE / max(1, share))


def as_written(text: str) -> str:
    """A user's text as a label: `$` begins no formula, and `_` at the start does not hide it."""
    shown = text.replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown
