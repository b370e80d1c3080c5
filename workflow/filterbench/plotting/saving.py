"""Writing a figure, whole or not at all."""

from pathlib import Path

from matplotlib.figure import Figure

from filterbench.storage.files import atomic_write

DPI = 160
# An SVG without its date is the same file each time.
METADATA = {"png": None, "svg": {"Date": None}}


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write a figure to files, as PNG or SVG by their suffix; the same figure gives the same bytes."""
    for path in paths:
        kind = path.suffix.removeprefix(".")
        with atomic_write(path) as file:
            figure.savefig(file, format=kind, dpi=DPI, metadata=METADATA[kind])
