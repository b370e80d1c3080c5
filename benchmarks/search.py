"""Ways of searching against each other, side by side; benchmarks/README.md says how to run it."""

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from filterbench.data.loading import Splits, load_splits
from filterbench.data.preparing import prepare_data
from filterbench.models.registry import build_model
from filterbench.pruners.nni import filter_masks
from filterbench.pruners.registry import arguments_of
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.net_adapt import NetAdapt
from filterbench.pruners.search.search import Search

REPEATS = 7
TARGETS = [0.3, 0.5, 0.7, 0.8]


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def new_search(splits: Splits, folder: Path, net: str) -> Search:
    """A search without records of earlier ones."""
    return Search(splits, SearchSettings(net, 64, augment=False), 0, folder, net)


def compact_against_masked(splits: Splits, folder: Path) -> str:
    """One evaluation of a full-width VGG16 at sparsity 0.8, in turn."""
    torch.manual_seed(0)
    model = build_model("vgg16").eval()
    masks = filter_masks("L1FilterPruner", copy.deepcopy(model), 0.8)
    ways = {net: new_search(splits, folder, net) for net in ("compact", "masked")}
    times: dict[str, list[float]] = {net: [] for net in ways}
    for _ in range(REPEATS + 1):
        for net, search in ways.items():
            times[net].append(seconds(lambda s=search: s.judge(model, masks)))
    medians = {net: statistics.median(found[1:]) for net, found in times.items()}
    masked, compact = medians["masked"], medians["compact"]
    return (
        f"evaluation, full-width VGG16 at 0.8, {len(splits.selection)} images: "
        f"masked {masked:.3f} s, compact {compact:.3f} s, ratio {masked / compact:.1f}"
    )


def trajectory_against_cells(splits: Splits, folder: Path) -> str:
    """NetAdapt to four targets on a small VGG16: one trajectory, and one run a target."""
    torch.manual_seed(0)
    model = build_model("vgg16", 0.125).eval()
    changes = {"short_term_steps": 2, "short_term_learning_rate": 0.01}
    arguments = arguments_of("NetAdaptPruner", changes)
    together = new_search(splits, folder / "together", "compact")
    once = seconds(lambda: NetAdapt(**arguments).path(model, together).snapshots(TARGETS))
    each, evaluations = 0.0, 0
    for target in TARGETS:
        alone = new_search(splits, folder / str(target), "compact")
        each += seconds(lambda t=target, s=alone: NetAdapt(**arguments).path(model, s).snapshots([t]))
        evaluations += alone.cost.evaluations
    return (
        f"NetAdapt to {TARGETS}: cell by cell {evaluations} candidates in {each:.1f} s, trajectory "
        f"{together.cost.evaluations} in {once:.1f} s, ratio {each / once:.1f}"
    )


def main() -> None:
    """Print each comparison."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = folder / "digits.npz"
        prepare_data("digits", None, folder, images)
        splits = load_splits(images, "validation", {"train": 256}, torch.device("cpu"))
        print(compact_against_masked(splits, folder), flush=True)
        print(trajectory_against_cells(splits, folder), flush=True)


if __name__ == "__main__":
    main()
