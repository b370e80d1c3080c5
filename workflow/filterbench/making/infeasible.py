"""Cells whose sparsity the pruner cannot reach: their documents say so, and the rest of the study goes on."""

from __future__ import annotations

from typing import Any

import numpy as np

from filterbench.documents import read, write
from filterbench.documents.types import CellDocument
from filterbench.jobs.job import Job
from filterbench.making.context import Context
from filterbench.storage.correctness import write_correct
from filterbench.storage.weights import write_weights


def write_infeasible(context: Context, reason: str, **more: Any) -> None:
    """Write a stage's document with the reason, and its other files empty."""
    job = context.job
    if "weights" in job.outputs:
        write_weights(job.outputs["weights"], {})
    if "correct" in job.outputs:
        write_correct(job.outputs["correct"], np.array([], dtype=bool))
    document = {"cell": context.cell, "infeasible": reason, **more, "provenance": context.provenance()}
    write(job.outputs["document"], document)


def infeasible_before(job: Job) -> str:
    """Why an earlier stage found the cell infeasible; empty where it did not."""
    return read(job.inputs["document"], CellDocument).get("infeasible", "")
