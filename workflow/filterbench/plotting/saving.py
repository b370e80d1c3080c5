"""Writing a figure completely or not at all."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from filterbench.storage.files import atomic_write

DPI = 160
# Without its date, an SVG has the same bytes each time.
METADATA = {"png": None, "svg": {"Date": None}}


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write a figure to files, as PNG or SVG by their suffix."""
    for path in paths:
        kind = path.suffix.removeprefix(".")
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=METADATA[kind])
        with atomic_write(path) as file:
            file.write(buffer.getvalue())
