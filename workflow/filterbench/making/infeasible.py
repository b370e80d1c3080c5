"""Cells whose target the pruner cannot reach: their documents say why, and the study continues."""

from __future__ import annotations

from typing import Any

import numpy as np

from filterbench.documents import write
from filterbench.making.context import Context
from filterbench.storage.correctness import write_correct
from filterbench.storage.errors import InputError
from filterbench.storage.weights import write_weights


def write_infeasible(context: Context, reason: str, **more: Any) -> None:
    """Write a stage's document with the reason, and its other files empty.

    Raises:
        InputError: the job is to export a net.
    """
    job = context.job
    if model := job.outputs.get("model"):
        raise InputError(f"{model}: an infeasible cell has no net to export: {reason}")
    if "weights" in job.outputs:
        write_weights(job.outputs["weights"], {})
    if "correct" in job.outputs:
        write_correct(job.outputs["correct"], np.array([], dtype=bool))
    document = {"cell": context.cell, "infeasible": reason, **more, "provenance": context.provenance()}
    write(job.outputs["document"], document)
