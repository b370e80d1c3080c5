"""What a control takes from the searched cell that it is compared with."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import Any

from filterbench.documents import read
from filterbench.documents.types import CellDocument
from filterbench.jobs.job import Job
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.registry import PRUNERS
from filterbench.study.cells import Config


def matched_arguments(job: Job) -> Config:
    """The arguments of a job's pruner that the searched cell's documents decide; none for most pruners.

    Args:
        job: a job whose inputs name those documents, as `searched_prune` and `searched_count`.

    Raises:
        InfeasibleError: the searched cell is infeasible.
    """
    arguments = {}
    entry = PRUNERS[job.params["cell"]["pruner"]]
    for name, (kind, *keys) in entry.matched.items():
        document: Any = read(job.inputs[f"searched_{kind}"], CellDocument)
        if reason := document.get("infeasible"):
            raise InfeasibleError(f"{entry.searched} is infeasible: {reason}")
        arguments[name] = reduce(getitem, keys, document)
    return arguments
