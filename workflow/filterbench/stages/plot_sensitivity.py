"""Rule `plot_sensitivity`: a model's sensitivity as a table, one row per point, and as a figure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from filterbench.documents import read
from filterbench.documents.measurements import SensitivityDocument
from filterbench.jobs.job import Job
from filterbench.plotting.saving import save_kinds
from filterbench.plotting.sensitivity import draw_sensitivity
from filterbench.results.titles import model_title
from filterbench.storage.tables import write_table


def plot_sensitivity(job: Job) -> None:
    """Write the table of all seeds, and draw their means."""
    documents = [read(Path(path), SensitivityDocument) for path in job.params["sensitivities"]]
    table = pd.DataFrame([row for document in documents for row in _rows(document)])
    write_table(job.outputs["table"], table)
    save_kinds(draw_sensitivity(table, model_title(job.params)), job.outputs)


def _rows(document: SensitivityDocument) -> Iterator[dict[str, Any]]:
    for number, group in enumerate(document["groups"], start=1):
        for point in group["points"]:
            yield {
                "model": document["cell"]["model"],
                "width": document["cell"]["width"],
                "protocol": document["cell"]["protocol"],
                "seed": document["cell"]["seed"],
                "base_algo": document["settings"]["base_algo"],
                "judging_images": document["judged"],
                "group": number,
                "layers": " ".join(group["layers"]),
                "channels": group["channels"],
                **point,
                "original": document["original"],
                "loss": document["original"] - point["accuracy"],
            }
