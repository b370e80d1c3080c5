"""Cells whose target the pruner cannot reach: their documents say why, and the study continues."""

from __future__ import annotations

from typing import Any

import numpy as np

from filterbench.documents import write
from filterbench.making.context import Context
from filterbench.storage.correctness import write_correct
from filterbench.storage.files import write_text
from filterbench.storage.weights import write_weights

# Outputs that hold a net, or are about one.
EXPORTED = ("model", "archive", "card", "quantised")


def write_infeasible(context: Context, reason: str, **more: Any) -> None:
    """Write a stage's document with the reason, its weights empty, and the reason in place of other files."""
    job = context.job
    for name, path in job.outputs.items():
        if name == "weights":
            write_weights(path, {})
        elif name == "correct":
            write_correct(path, np.array([], dtype=bool))
        elif name in EXPORTED:
            write_text(path, f"An infeasible cell has no net: {reason}\n")
    document = {"cell": context.cell, "infeasible": reason, **more, "provenance": context.provenance()}
    write(job.outputs["document"], document)
