"""The training step: ways of computing it, in turn; its share of the machine's matrix product; its profile.

A step is forward, backward and SGD on a batch of random images, on one CPU thread. Its FLOPs are three times
those of the forward pass, and those are twice the multiply-accumulates of the convolutions and linear layers.
All times are CPU seconds of the process, so that other work on the machine adds little to them.
`benchmarks/README.md` says how to run it.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from filterbench.compaction.slicing import kept_indices, slice_channels
from filterbench.costs.layer_costs import count_shapes
from filterbench.models.registry import build_model
from filterbench.pruners.uniform import uniform_masks
from filterbench.training.optimizers import SGD

BATCH = 64
WARM_UP = 2
SIZE = 2048
LAST = torch.channels_last
# By name of a group in the profile's table: what the names of its operators contain, the first that fits.
OPERATORS = {
    "convolution": ("convolution",),
    "BatchNorm": ("batch_norm",),
    "ReLU": ("relu", "threshold", "clamp", "hardtanh"),
    "pooling": ("pool",),
    "optimizer": ("Optimizer",),
}


@dataclass(frozen=True)
class Way:
    """How a step is computed; the default is that of the workflow.

    Attributes:
        layout: of images and weights.
        bfloat16: whether the passes run in bfloat16.
        conversions: what oneDNN may convert float32 to: `ieee` (nothing), `bf16`.
        compiled: whether `torch.compile` compiles the net.
        optimizer: arguments of SGD.
    """

    layout: torch.memory_format = LAST
    bfloat16: bool = False
    conversions: str = "ieee"
    compiled: bool = False
    optimizer: tuple[str, ...] = ()


WAYS = {
    "as it is": Way(),
    "contiguous": Way(layout=torch.contiguous_format),
    "SGD foreach": Way(optimizer=("foreach",)),
    "SGD fused": Way(optimizer=("fused",)),
    "oneDNN in bf16": Way(conversions="bf16"),
    "precision: bfloat16": Way(bfloat16=True),
}
COMPILED = {
    "compiled": Way(compiled=True),
    "compiled, bfloat16": Way(compiled=True, bfloat16=True),
}


@contextmanager
def conversions(name: str) -> Iterator[None]:
    """Let oneDNN compute convolutions and products of float32 in another type."""
    backends = torch.backends.mkldnn.conv, torch.backends.mkldnn.matmul
    for backend in backends:
        backend.fp32_precision = name
    yield
    for backend in backends:
        backend.fp32_precision = "ieee"


def step_of(net: nn.Module, way: Way) -> Callable[[], None]:
    """A training step of a copy of a net, on the same images each time."""
    net = copy.deepcopy(net).to(memory_format=way.layout).train()
    images = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=way.layout)
    labels = torch.randint(0, 10, (BATCH,))
    chosen = dict.fromkeys(way.optimizer, True)
    optimizer = SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, **chosen)
    call: Callable[[Tensor], Tensor] = torch.compile(net, dynamic=False) if way.compiled else net

    def step() -> None:
        optimizer.zero_grad()
        mixed: AbstractContextManager = nullcontext()
        if way.bfloat16:
            mixed = torch.autocast("cpu", dtype=torch.bfloat16)
        with conversions(way.conversions):
            with mixed:
                loss = cross_entropy(call(images), labels)
            loss.backward()
        optimizer.step()

    return step


def seconds(action: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    action()
    return time.process_time() - started


def in_turn(actions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The median CPU seconds of each action, all called one after another so many times."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(WARM_UP + repeats):
        for name, action in actions.items():
            found[name].append(seconds(action))
    return {name: statistics.median(each[WARM_UP:]) for name, each in found.items()}


def net_of(model: str, width: float, sparsity: float) -> nn.Module:
    """A fresh net of ten classes, without the same share of filters in each layer."""
    torch.manual_seed(0)
    net = build_model(model, width).eval()
    return slice_channels(net, kept_indices(net, uniform_masks(net, sparsity))) if sparsity else net


def compare(model: str, width: float, sparsity: float, repeats: int, compiled: bool) -> None:
    """Print one line for each way: milliseconds per step, its FLOPs, and its share of the product's."""
    net = net_of(model, width, sparsity)
    flops = 3 * 2 * count_shapes(net)["flops"] * BATCH
    matrix = torch.randn(SIZE, SIZE)
    steps: dict[str, Callable[[], object]] = {
        "product": lambda: matrix @ matrix,
    }
    steps |= {name: step_of(net, way) for name, way in WAYS.items()}
    first: dict[str, float] = {}
    for name, way in COMPILED.items() if compiled else ():
        steps[name] = step_of(net, way)
        # The wall time counts: the compiler runs in processes of its own.
        started = time.perf_counter()
        steps[name]()
        first[name] = time.perf_counter() - started
    medians = in_turn(steps, repeats)
    peak = 2 * SIZE**3 / medians.pop("product")
    print(f"{model}, width {width:g}, sparsity {sparsity:g}: matrix product {peak / 1e9:.0f} GFLOP/s")
    usual = medians["as it is"]
    for name, each in medians.items():
        line = f"{name:>20}{1000 * each:9.1f} ms{flops / each / 1e9:7.0f} GFLOP/s{flops / each / peak:6.0%}"
        line += f"{usual / each:7.2f} times"
        if name in first:
            saved = usual - each
            after = f"{first[name] / saved:,.0f} steps" if saved > 0 else "never"
            line += f"; the first step takes {first[name]:.0f} s: pays off after {after}"
        print(line, flush=True)


def table(model: str, width: float, sparsity: float) -> None:
    """Print the shares of a step's time by kind of operator."""
    step = step_of(net_of(model, width, sparsity), WAYS["as it is"])
    for _ in range(WARM_UP):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(3):
            step()
    shares: Counter[str] = Counter()
    for event in found.key_averages():
        fits = (name for name, parts in OPERATORS.items() if any(part in event.key for part in parts))
        group = next(fits, "rest")
        backward = group == "convolution" and "backward" in event.key
        shares[f"{group} backward" if backward else group] += event.self_cpu_time_total
    total = sum(shares.values())
    parts = ", ".join(f"{name} {share / total:.0%}" for name, share in shares.most_common())
    print(f"{model}, width {width:g}, sparsity {sparsity:g}: {parts}", flush=True)


def main() -> None:
    """The comparison, or with `--profile` the profile, of each net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["vgg16", "resnet18", "mobilenetv2"])
    parser.add_argument("--widths", type=float, nargs="+", default=[1.0, 0.25, 0.125])
    parser.add_argument("--sparsities", type=float, nargs="+", default=[0.0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="also torch.compile: a minute per net")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for net in itertools.product(asked.models, asked.widths, asked.sparsities):
        if asked.profile:
            table(*net)
        else:
            compare(*net, asked.repeats, asked.compile)


if __name__ == "__main__":
    main()
