"""Rule `trajectory`: one search that serves all sparsities of a pruner on a model."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from torch import nn

from filterbench.compaction.masks import PrunedNet
from filterbench.documents import read, write
from filterbench.documents.search_table import read_search, write_search
from filterbench.documents.targets import SPARSITY, Target
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.search.net_adapt import NetAdapt, Snapshot, Trajectory
from filterbench.pruners.search.search import Cost, Search
from filterbench.running.budget import cost_of
from filterbench.running.context import prepare
from filterbench.running.job import Job
from filterbench.running.searching import new_search
from filterbench.storage.checkpoint import prefixed, without_prefix
from filterbench.storage.weights import Weights, load_into, read_weights, write_weights

logger = logging.getLogger(__name__)


def trajectory(job: Job) -> None:
    """Prune the baseline from target to target of a kind, and write a snapshot at each."""
    setting = prepare(job)
    splits = setting.splits()
    search = new_search(setting, splits)
    kind = job.params["kind"]
    snapshots: dict[Target, Snapshot] = {}
    for snapshot in _run(job, kind, setting.read_net("weights"), search).run(job.params["targets"]):
        target = Target(kind, snapshot.target)
        logger.info("%s %g: %s", kind, target.value, snapshot.infeasible or "reached")
        snapshots[target] = snapshot
    weights: Weights = {}
    for target, snapshot in snapshots.items():
        weights |= prefixed(f"{target}/weights", snapshot.weights)
        weights |= prefixed(f"{target}/mask", snapshot.masks)
    write_weights(job.outputs["weights"], weights)
    write_search(job.outputs["search"], search.steps)
    write(
        job.outputs["document"],
        {
            "cell": setting.cell,
            "images": splits.document(),
            "arguments": dict(job.params["arguments"]),
            "search": job.params["search"],
            "targets": [_target(target, snapshot) for target, snapshot in snapshots.items()],
            "provenance": setting.provenance(),
        },
    )
    setting.stopwatch.write(job.outputs["document"])
    shutil.rmtree(search.folder, ignore_errors=True)


def _run(job: Job, kind: str, model: nn.Module, search: Search) -> Trajectory:
    pruner = NetAdapt(**job.params["arguments"])
    if kind == SPARSITY:
        return pruner.path(model, search)
    return pruner.path_within(model, cost_of(job, kind, model), search)


def _target(target: Target, snapshot: Snapshot) -> dict:
    entry = {
        **target.document(),
        "reached": snapshot.reached,
        "steps": snapshot.steps,
        "cost": snapshot.cost,
    }
    return entry | ({"infeasible": snapshot.infeasible} if snapshot.infeasible else {})


def read_snapshot(job: Job, model: nn.Module, target: Target, search: Search) -> PrunedNet:
    """The trajectory's net at a target; the search takes on what it had cost by then.

    Args:
        job: a job whose inputs name the trajectory's document, weights and table.
        model: the unpruned net; it is changed.
        target: of the cell.
        search: the cell's search, which has not begun.

    Raises:
        InfeasibleError: the trajectory did not reach the target.
    """
    found = read(job.inputs["trajectory"])["targets"]
    (entry,) = [entry for entry in found if entry.get(target.kind) == target.value]
    search.cost = Cost(**entry["cost"])
    search.steps = read_search(job.inputs["trajectory_steps"])[: entry["steps"]]
    if "infeasible" in entry:
        raise InfeasibleError(entry["infeasible"])
    path: Path = job.inputs["snapshots"]
    tensors = without_prefix(str(target), read_weights(path))
    load_into(model, without_prefix("weights", tensors), path)
    return PrunedNet(model, without_prefix("mask", tensors))
