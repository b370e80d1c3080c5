"""Writing a figure completely or not at all."""

import io
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from filterbench.plotting.kinds import KINDS
from filterbench.storage.files import atomic_write

DPI = 160
# Without their dates, SVG and PDF have the same bytes each time.
METADATA: dict[str, dict[str, None] | None] = {
    "png": None,
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def save_kinds(figure: Figure, outputs: Mapping[str, Path], prefix: str = "") -> None:
    """Write a figure as each of `KINDS`, to the outputs of a job that are named so, after the prefix."""
    save_figure(figure, *(outputs[f"{prefix}{kind}"] for kind in KINDS))


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write a figure to files, as PNG, SVG or PDF by their suffix."""
    for path in paths:
        kind = path.suffix.removeprefix(".")
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=METADATA[kind])
        with atomic_write(path) as file:
            file.write(buffer.getvalue())
