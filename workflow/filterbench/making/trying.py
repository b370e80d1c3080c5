"""A user's own nets and pruners, tried before anything is trained: whether the stages can work with them."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from filterbench.compaction.speedup import check_same, silence_masked_channels
from filterbench.data.loading import Images, Splits
from filterbench.models.depthwise import depthwise_names, mask_depthwise
from filterbench.models.graph import graph_of
from filterbench.models.inputs import image_shape
from filterbench.models.rebuilding import rebuild_model
from filterbench.models.registry import build_model
from filterbench.pruners.contract import InfeasibleError, channels_of, checked
from filterbench.pruners.registry import make_pruner
from filterbench.pruners.search.extent import SearchSettings
from filterbench.pruners.search.search import Search, compact_form
from filterbench.storage.errors import InputError, first_line

# Enough for every BatchNorm to have a variance.
IMAGES = 4
# Of nets and images that are tried before the study's images are there.
CLASSES = 10


def try_model(name: str, width: float, image_size: int) -> None:
    """Build a net of a model for ten classes, and try it; see `try_net`.

    Raises:
        InputError: it cannot be built, or `try_net` raises it.
    """
    try_net(name, _built(name, width, image_size), CLASSES)


def try_pruner(
    name: str, arguments: Mapping[str, Any], sparsity: float, model: str, width: float, image_size: int
) -> None:
    """Prune a net with fresh weights, with a few random images, and check what the pruner returns.

    Args:
        name: of a pruner that does not search.
        arguments: all of the pruner's.
        sparsity: share of the filters to mask.
        model: a model of the study.
        width: of that model.
        image_size: height and width of the study's images, in pixels.

    Raises:
        InputError: the pruner fails, or breaks its contract; the message says how.
    """
    net = _built(model, width, image_size).eval()
    pixels = torch.randint(0, 256, (IMAGES, 3, image_size, image_size), dtype=torch.uint8)
    half = torch.full((1, 3, 1, 1), 0.5)
    images = Images(pixels, torch.arange(IMAGES) % CLASSES, half, half)
    splits = Splits(images, images, images, [str(label) for label in range(CLASSES)])
    # A target that the pruner cannot reach is no fault of it.
    with (
        tempfile.TemporaryDirectory() as folder,
        suppress(InfeasibleError),
        _naming(f"{name}: the pruner fails on {model}", InfeasibleError),
    ):
        search = Search(splits, SearchSettings(), 0, Path(folder), "")
        pruner, channels = make_pruner(name, arguments), channels_of(net)
        checked(pruner.prune(net, sparsity, search), channels, pruner)


def _built(name: str, width: float, image_size: int) -> nn.Module:
    with _naming(f"{name}: the net cannot be built"):
        return build_model(name, width, CLASSES, image_size)


def try_net(name: str, model: nn.Module, classes: int) -> None:
    """Take a copy of a net with fresh weights through what the stages do with it.

    It is traced, trained for one step, rebuilt, and cut to half of its filters.

    Args:
        name: of the model, a key of `MODELS`.
        model: the net with fresh weights, on the CPU; neither it nor torch's generator is changed.
        classes: number of outputs that it must have.

    Raises:
        InputError: one of these fails; the message says which, and why.
    """
    with torch.random.fork_rng(devices=[]):
        images = torch.randn(IMAGES, *image_shape(model))
        net = copy.deepcopy(model)
        with _naming(f"{name}: torch.fx cannot trace the net"):
            graph_of(net)
        with _naming(f"{name}: the net cannot be trained"):
            _check_outputs(net(images), classes)
            cross_entropy(net.train()(images), torch.arange(IMAGES) % classes).backward()
        with _naming(f"{name}: the net cannot be rebuilt"):
            _check_rebuilt(name, net.eval(), images)
        with _naming(f"{name}: the net cannot be pruned"):
            _check_halved(net, images)


def _check_outputs(outputs: object, classes: int) -> None:
    allowed = f"({IMAGES}, {classes}), one number per class, for {IMAGES} images"
    if not isinstance(outputs, Tensor):
        raise InputError(f"it returns {type(outputs).__name__}; allowed: a tensor {allowed}")
    if outputs.shape != (IMAGES, classes):
        raise InputError(f"it returns {tuple(outputs.shape)}; allowed: {allowed}")


@torch.no_grad()
def _check_rebuilt(name: str, net: nn.Module, images: Tensor) -> None:
    rebuilt = rebuild_model(name, net.state_dict(), Path("its weights"), images.shape[-1])
    if not torch.equal(rebuilt(images), net(images)):
        raise InputError(
            "from its name and its weights it becomes a net with other logits; allowed: width only scales "
            "channel counts, and what the net computes with is in its state dict, or is the same in each net "
            "that is built"
        )


def _check_halved(net: nn.Module, images: Tensor) -> None:
    """Cut half of the filters: the compact net must compute what the masked net computes."""
    following = depthwise_names(net)
    channels = {name: count for name, count in channels_of(net).items() if name not in following}
    if not channels:
        raise InputError("it has no convolution; allowed: nn.Conv2d")
    masks = {name: torch.arange(count) < (count + 1) // 2 for name, count in channels.items()}
    mask_depthwise(net, masks)
    halved = compact_form(net, masks)
    silence_masked_channels(net, masks)
    check_same(net, halved, images)


@contextmanager
def _naming(what: str, passed: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Turn any error of a library into one line, but for errors of a type that is passed on."""
    try:
        yield
    except passed:
        raise
    except InputError as reason:
        raise InputError(f"{what}: {reason}") from reason
    except Exception as reason:
        raise InputError(f"{what}: {type(reason).__name__}: {first_line(reason)}") from reason
