"""A user's own net, tried before it is trained: whether the later stages can work with it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from filterbench.models.depthwise import depthwise_names
from filterbench.models.graph import graph_of
from filterbench.models.inputs import image_shape
from filterbench.pruners.contract import channels_of
from filterbench.pruners.search.search import compact_form
from filterbench.storage.errors import InputError

# Enough for every BatchNorm to have a variance.
IMAGES = 4


def try_net(name: str, model: nn.Module, classes: int) -> None:
    """Trace a copy of a net, train it for one step, and remove half of each convolution's filters.

    Args:
        name: of the model, for the error.
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
        with _naming(f"{name}: the net cannot be pruned"):
            _check_outputs(_halved(net.eval())(images), classes)


def _check_outputs(outputs: object, classes: int) -> None:
    allowed = f"({IMAGES}, {classes}), one number per class, for {IMAGES} images"
    if not isinstance(outputs, Tensor):
        raise InputError(f"it returns {type(outputs).__name__}; allowed: a tensor {allowed}")
    if outputs.shape != (IMAGES, classes):
        raise InputError(f"it returns {tuple(outputs.shape)}; allowed: {allowed}")


def _halved(net: nn.Module) -> nn.Module:
    following = depthwise_names(net)
    channels = {name: count for name, count in channels_of(net).items() if name not in following}
    if not channels:
        raise InputError("it has no convolution; allowed: nn.Conv2d")
    return compact_form(
        net, {name: torch.arange(count) < (count + 1) // 2 for name, count in channels.items()}
    )


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Turn any error of a library into one line."""
    try:
        yield
    except InputError as reason:
        raise InputError(f"{what}: {reason}") from reason
    except Exception as reason:
        first_line = str(reason).partition("\n")[0]
        raise InputError(f"{what}: {type(reason).__name__}: {first_line}") from reason
