"""Rule `trajectory`: one search path that serves all targets of a pruner on a model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from filterbench.documents import read, write
from filterbench.documents.search_table import read_search, write_search
from filterbench.documents.types import TrajectoryDocument
from filterbench.jobs.job import Job
from filterbench.making.computing import computed_side_by_side
from filterbench.making.context import Context
from filterbench.making.searching import (
    new_search,
    read_snapshots,
    search_path,
    snapshot_document,
    write_snapshots,
)
from filterbench.pruners.search.net_adapt import Snapshot
from filterbench.storage.errors import InputError

logger = logging.getLogger(__name__)


@computed_side_by_side
def trajectory(context: Context) -> None:
    """Continue the search path to the targets that have no snapshot yet.

    This job continues from the outputs of an earlier one. The journal stays beside them: a target between two
    snapshots is found again by its scores.
    """
    job, splits = context.job, context.splits()
    kind, targets = job.params["kind"], job.params["targets"]
    key = context.state_key("targets")
    search = new_search(context, splits, key, workers=job.threads)
    earlier, rows = _earlier(job, key)
    path = search_path(context, context.read_net("weights"), kind, search)
    snapshots = path.snapshots(targets, earlier, rows)
    for snapshot in snapshots:
        logger.info("%s %g: after %d iterations", kind, snapshot.target, snapshot.iterations)
    write_snapshots(job.outputs["weights"], kind, snapshots)
    # A search to an easier target than an earlier one goes less far.
    write_search(job.outputs["search"], rows if len(rows) > len(search.steps) else search.steps)
    document: TrajectoryDocument = {
        "cell": context.cell,
        "images": splits.document(),
        "arguments": job.params["arguments"],
        "search": job.params["search"],
        "key": key,
        "targets": [snapshot_document(kind, snapshot) for snapshot in snapshots],
        "provenance": context.provenance(),
    }
    write(job.outputs["document"], document)


def _earlier(job: Job, key: str) -> tuple[Sequence[Snapshot], list[dict[str, Any]]]:
    """Snapshots and steps of an earlier job of the same search; none where they are missing or damaged."""
    with suppress(InputError, OSError):
        document = read(job.outputs["document"], TrajectoryDocument)
        if document["key"] == key:
            snapshots = read_snapshots(job.outputs["weights"], document["targets"])
            rows = read_search(job.outputs["search"])
            # The last lines of a damaged table may be missing.
            if all(snapshot.candidates <= len(rows) for snapshot in snapshots):
                return snapshots, rows
    return [], []
