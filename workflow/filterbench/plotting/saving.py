"""Writing a figure, whole or not at all."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from filterbench.storage.files import atomic_write

DPI = 160
# An SVG without its date is the same file each time.
METADATA = {"png": None, "svg": {"Date": None}}


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write a figure to files, as PNG or SVG by their suffix; files of one kind have the same bytes."""
    # A layout settles a little differently each time that it is drawn.
    drawn = {kind: _drawn(figure, kind) for kind in dict.fromkeys(map(_kind, paths))}
    for path in paths:
        with atomic_write(path) as file:
            file.write(drawn[_kind(path)])


def _kind(path: Path) -> str:
    return path.suffix.removeprefix(".")


def _drawn(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=DPI, metadata=METADATA[kind])
    return buffer.getvalue()
