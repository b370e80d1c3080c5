"""What the stages that prune search with, and the record of a search path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import nn

from filterbench.data.loading import Splits
from filterbench.documents.targets import SPARSITY, Target, target_of
from filterbench.pruners.search.net_adapt import NetAdapt, SearchPath, Snapshot
from filterbench.pruners.search.search import Search, SearchSettings
from filterbench.running.budget import cost_of
from filterbench.running.context import Context
from filterbench.storage.checkpoint import prefixed, without_prefix
from filterbench.storage.weights import Weights, read_weights, write_weights

TENSORS = ("weights", "masks")


def new_search(context: Context, splits: Splits, key: str) -> Search:
    """The search of a job's pruner; its state lies beside the job's outputs.

    Args:
        context: of the job.
        splits: the study's images.
        key: digest of everything that the search depends on.
    """
    settings = SearchSettings(**context.job.params["search"])
    return Search(splits, settings, context.seed, context.state_path(".search"), key, context.stopwatch)


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


def snapshot_document(kind: str, snapshot: Snapshot) -> dict[str, Any]:
    """What `trajectory.json` says of a snapshot."""
    names = [field.name for field in fields(snapshot) if field.name not in (*TENSORS, "target")]
    return {kind: snapshot.target, **{name: getattr(snapshot, name) for name in names}}


def read_snapshots(path: Path, entries: Sequence[dict[str, Any]]) -> list[Snapshot]:
    """Read what `write_snapshots` wrote.

    Args:
        path: the file.
        entries: what `snapshot_document` gave for each.
    """
    tensors = read_weights(path)
    return [_snapshot(tensors, target_of(entry), dict(entry)) for entry in entries]


def _snapshot(tensors: Weights, target: Target, entry: dict[str, Any]) -> Snapshot:
    own = without_prefix(str(target), tensors)
    weights, masks = (without_prefix(name, own) for name in TENSORS)
    del entry[target.kind]
    return Snapshot(target=target.value, weights=weights, masks=masks, **entry)
