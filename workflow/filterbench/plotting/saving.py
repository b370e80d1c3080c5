"""Writing a figure, whole or not at all."""

from pathlib import Path

from matplotlib.figure import Figure

from filterbench.storage.files import atomic_write

DPI = 160


def save_figure(figure: Figure, png: Path, svg: Path) -> None:
    """Write a figure as PNG and SVG; the same figure gives the same bytes."""
    for path, kind, metadata in ((png, "png", None), (svg, "svg", {"Date": None})):
        with atomic_write(path) as file:
            figure.savefig(file, format=kind, dpi=DPI, metadata=metadata)
