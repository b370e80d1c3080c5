"""Rule `prune`: the channel masks of a cell."""

from __future__ import annotations

import logging
import shutil

from torch import nn

from filterbench.compaction.masks import PrunedNet, write_masked_net
from filterbench.compaction.rounding import with_rounded_channels
from filterbench.costs.budget import Budget
from filterbench.documents import read, write
from filterbench.documents.search_table import read_search, write_search
from filterbench.documents.types import BudgetUse, PruneDocument, TrajectoryDocument
from filterbench.domain.targets import Target, target_of
from filterbench.making.budget import budget_of
from filterbench.making.computing import computed
from filterbench.making.context import Context
from filterbench.making.infeasible import write_infeasible
from filterbench.making.matching import matched_arguments
from filterbench.making.searching import new_search, read_snapshots, search_path
from filterbench.pruners.contract import BudgetPruner, InfeasibleError, channels_of, checked
from filterbench.pruners.registry import make_pruner
from filterbench.pruners.search.scores import summarise_scores
from filterbench.pruners.search.search import Search
from filterbench.pruners.uniform_budgets import prune_uniformly
from filterbench.storage.weights import read_weights
from filterbench.study.cells import Config, trains_between_rounds
from filterbench.training.evaluation import evaluate

logger = logging.getLogger(__name__)


@computed
def prune(context: Context) -> None:
    """Mask the baseline's filters with the cell's pruner, and evaluate the masked net as it is."""
    job, splits = context.job, context.splits()
    baseline = context.read_net("weights")
    layers = _convolutions(baseline)
    search = new_search(context, splits, context.state_key(), round_channels=job.params["round_channels"])
    target = target_of(context.cell)
    budget = budget_of(job, target, baseline)
    try:
        arguments = {**job.params["arguments"], **matched_arguments(job)}
        pruned = _prune(context, baseline, target, budget, arguments, search)
        if search.round_channels > 1 and not pruned.compact:
            pruned = _rounded(context, pruned, budget, search.round_channels)
    except InfeasibleError as reason:
        logger.info("infeasible: %s", reason)
        write_search(job.outputs["search"], search.steps)
        write_infeasible(context, str(reason), cost=search.cost.document())
        shutil.rmtree(search.folder, ignore_errors=True)
        return
    kept = _kept_channels(pruned)
    reached = _pruned_share(layers, kept)
    accuracy = evaluate(context.place(pruned.model), splits.test).accuracy
    logger.info("pruned %.1f %% of the weights, test accuracy %.2f %%", 100 * reached, 100 * accuracy)
    write_masked_net(job.outputs["weights"], pruned, read_weights(job.inputs["weights"]))
    write_search(job.outputs["search"], search.steps)
    document: PruneDocument = {
        "cell": context.cell,
        "images": splits.document(),
        "performance": {"pruned": accuracy},
        "arguments": arguments,
        "sparsity": {"reached": reached} if budget else {"asked": target.value, "reached": reached},
        "layers": [
            {"name": name, "channels": module.out_channels, "kept": kept.get(name, module.out_channels)}
            for name, module in layers.items()
        ],
        "cost": search.cost.document(),
        "provenance": context.provenance(),
    }
    if budget:
        document["budget"] = _used(target, budget, pruned)
    if search.round_channels > 1:
        document["round_channels"] = search.round_channels
    if search.steps or trains_between_rounds(arguments):
        document["search"] = job.params["search"]
    if search.steps:
        images = splits.selection
        document["scores"] = summarise_scores(search.steps, images.chance(), len(images))
    write(job.outputs["document"], document)
    shutil.rmtree(search.folder, ignore_errors=True)


def _prune(
    context: Context,
    baseline: nn.Module,
    target: Target,
    budget: Budget | None,
    arguments: Config,
    search: Search,
) -> PrunedNet:
    """The pruner's net; of a search path, the net to which it leads from the cell's snapshot."""
    job = context.job
    if "trajectory" in job.inputs:
        return _from_snapshot(context, baseline, target, search)
    pruner, channels = make_pruner(context.cell["pruner"], arguments), channels_of(baseline)
    if budget is None:
        return checked(pruner.prune(baseline, target.value, search), channels, pruner)
    if isinstance(pruner, BudgetPruner):
        return checked(pruner.prune_within(baseline, budget, search), channels, pruner)
    return prune_uniformly(pruner, baseline, budget, search)


def _rounded(context: Context, pruned: PrunedNet, budget: Budget | None, multiple: int) -> PrunedNet:
    """The net with channels that come back to the next multiple or, below a budget, go to the one before.

    Raises:
        InfeasibleError: a layer with one multiple left uses more than the budget.
    """
    rounded = with_rounded_channels(pruned, context.read_net("weights"), multiple, up=budget is None)
    if budget and not budget.met(rounded.masks):
        raise InfeasibleError(
            f"with multiples of {multiple} channels the net has {budget.reached(rounded.masks):.2%} of the "
            "unpruned one's cost left"
        )
    return rounded


def _from_snapshot(context: Context, baseline: nn.Module, target: Target, search: Search) -> PrunedNet:
    """The net at the end of the search path; the cell's search starts with the snapshot's cost."""
    inputs = context.job.inputs
    entries = read(inputs["trajectory"], TrajectoryDocument)["targets"]
    own = [entry for entry in entries if target_of(entry) == target]
    (snapshot,) = read_snapshots(inputs["snapshots"], own)
    path = search_path(context, baseline, target.kind, search)
    path.restore(snapshot)
    search.steps = read_search(inputs["trajectory_steps"])[: snapshot.candidates]
    return path.finish(target.value)


def _used(target: Target, budget: Budget, pruned: PrunedNet) -> BudgetUse:
    """What of a budget the net uses."""
    return {
        "kind": target.kind,
        "asked": target.value,
        "reached": budget.reached(pruned.masks),
        "original": budget.original,
        "pruned": budget.cost(pruned.masks),
    }


def _convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def _kept_channels(pruned: PrunedNet) -> dict[str, int]:
    """Kept channels of each convolution that has a mask or, in a compact net, of every one."""
    if pruned.compact:
        return {name: module.out_channels for name, module in _convolutions(pruned.model).items()}
    return {name: int(kept.sum()) for name, kept in pruned.masks.items()}


def _pruned_share(layers: dict[str, nn.Conv2d], kept: dict[str, int]) -> float:
    """Share of the convolutions' weights that belongs to pruned filters."""
    sizes = {name: layer.weight[0].numel() for name, layer in layers.items()}
    channels = {name: layer.weight.shape[0] for name, layer in layers.items()}
    pruned = sum((channels[name] - count) * sizes[name] for name, count in kept.items())
    return pruned / sum(channels[name] * sizes[name] for name in layers)
