"""What the stages that prune search with, and the record of a search path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import nn

from filterbench.data.loading import Splits
from filterbench.documents.types import SnapshotEntry
from filterbench.domain.targets import SPARSITY, Target, target_of
from filterbench.jobs.workers import side_by_side
from filterbench.making.budget import cost_of
from filterbench.making.context import Context
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.net_adapt import NetAdapt, SearchPath, Snapshot
from filterbench.pruners.search.search import Search
from filterbench.storage.checkpoint import prefixed, without_prefix
from filterbench.storage.weights import Weights, read_weights, write_weights

TENSORS = ("weights", "masks")


def new_search(
    context: Context, splits: Splits, key: str, workers: int = 1, round_channels: int = 1
) -> Search:
    """The search of a job's pruner; its state lies beside the job's outputs.

    Args:
        context: of the job.
        splits: the study's images.
        key: digest of everything that the search depends on.
        round_channels: the multiple of channels that layers are to keep.
        workers: how many candidates are judged at once, on a CPU; the outcome does not depend on it.
    """
    settings = SearchSettings(**context.job.params["search"])
    # A GPU's driver does not survive a fork.
    at_once = partial(side_by_side, workers=workers if context.device.type == "cpu" else 1)
    return Search(
        splits,
        settings,
        context.seed,
        context.state_path(".search"),
        key,
        context.job.stopwatch,
        side_by_side=at_once,
        round_channels=round_channels,
    )


def search_path(context: Context, model: nn.Module, kind: str, search: Search) -> SearchPath:
    """The search path of a job's pruner to targets of a kind."""
    pruner = NetAdapt(**context.job.params["arguments"])
    if kind == SPARSITY:
        return pruner.path(model, search)
    return pruner.path_within(model, cost_of(context.job, kind, model), search)


def write_snapshots(path: Path, kind: str, snapshots: Sequence[Snapshot]) -> None:
    """Write the weights and masks of snapshots; `snapshot_document` says the rest of one."""
    tensors: Weights = {}
    for snapshot in snapshots:
        target = Target(kind, snapshot.target)
        for name in TENSORS:
            tensors |= prefixed(f"{target}/{name}", getattr(snapshot, name))
    write_weights(path, tensors)


def snapshot_document(kind: str, snapshot: Snapshot) -> SnapshotEntry:
    """What `trajectory.json` says of a snapshot."""
    entry: SnapshotEntry = {
        **Target(kind, snapshot.target).document(),  # type: ignore[typeddict-item]
        "reached": snapshot.reached,
        "iterations": snapshot.iterations,
        "candidates": snapshot.candidates,
        "cost": snapshot.cost,
        "step": snapshot.step,
        "asked": snapshot.asked,
    }
    return entry


def read_snapshots(path: Path, entries: Sequence[SnapshotEntry]) -> list[Snapshot]:
    """Read what `write_snapshots` wrote.

    Args:
        path: the file.
        entries: what `snapshot_document` gave for each.
    """
    tensors = read_weights(path)
    return [_snapshot(tensors, entry) for entry in entries]


def _snapshot(tensors: Weights, entry: SnapshotEntry) -> Snapshot:
    target = target_of(entry)
    own = without_prefix(str(target), tensors)
    weights, masks = (without_prefix(name, own) for name in TENSORS)
    return Snapshot(
        target=target.value,
        reached=entry["reached"],
        weights=weights,
        masks=masks,
        iterations=entry["iterations"],
        candidates=entry["candidates"],
        cost=entry["cost"],
        step=entry["step"],
        asked=entry["asked"],
    )
