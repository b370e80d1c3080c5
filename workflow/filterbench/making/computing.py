"""Stages that compute with nets: prepared once for a job, and passed over where a cell is infeasible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from operator import attrgetter

from filterbench.documents import read
from filterbench.documents.types import CellDocument
from filterbench.jobs.job import ComputingStage, Job
from filterbench.making.context import Context, prepare
from filterbench.making.infeasible import write_infeasible
from filterbench.making.sharing import note, record_of, take
from filterbench.pruners.contract import InfeasibleError


@dataclass
class Stage(ComputingStage):
    """A stage that is given a prepared process.

    A cell that an earlier stage found infeasible, or that this one finds so, gets a document that says why.

    Attributes:
        compute: makes the outputs of the context's job.
        threads: how many CPU threads a job computes with; it may hold more.
        shared: whether the outcome of another study's job can be taken.
    """

    compute: Callable[[Context], None]
    threads: Callable[[Job], int] = attrgetter("threads")
    shared: bool = True

    def __post_init__(self) -> None:
        update_wrapper(self, self.compute)

    def __call__(self, job: Job) -> None:
        """Make the job's outputs."""
        self._make(prepare(job, self.threads(job)))

    def make_or_take(self, job: Job) -> None:
        """Make the job's outputs, or copy those that another study has."""
        context = prepare(job, self.threads(job))
        if not self.shared:
            self._make(context)
            return
        record = record_of(context)
        if not take(record, context):
            self._make(context)
            note(record, context)

    def _make(self, context: Context) -> None:
        document = context.job.inputs.get("document")
        try:
            if document and (reason := read(document, CellDocument).get("infeasible")):
                raise InfeasibleError(reason)
            self.compute(context)
        except InfeasibleError as reason:
            write_infeasible(context, str(reason))


def computed(compute: Callable[[Context], None]) -> Stage:
    """A stage whose outcome depends on its inputs, its params and its threads."""
    return Stage(compute)


def computed_side_by_side(compute: Callable[[Context], None]) -> Stage:
    """A stage that keeps several cores busy with computations of one thread each.

    Its outcome is that of one after the other.
    """
    return Stage(compute, threads=lambda job: 1)


def measured(compute: Callable[[Context], None]) -> Stage:
    """A stage that measures times, with the threads that its param `measurement` asks for.

    Its job may hold the whole machine, so that no other disturbs it.
    """
    return Stage(compute, threads=lambda job: job.params["measurement"]["threads"], shared=False)
