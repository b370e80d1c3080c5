"""BatchNorms of a training step that are computed together with the ReLU behind them, on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from filterbench.storage.errors import InputError
from filterbench.training.kernels import library

# The default, torch's own computation, and this one.
TORCH, FUSED = "torch", "fused"

Forward = Callable[[Tensor], Tensor]
# The range of what follows a BatchNorm; below and above it there is no gradient.
_RANGES: dict[type[nn.Module], tuple[float, float]] = {nn.ReLU: (0.0, math.inf), nn.ReLU6: (0.0, 6.0)}


def fused_forwards(model: nn.Module, arithmetic: str) -> dict[nn.Module, Forward]:
    """What to call instead of the `forward` of some modules of a net in training; see `replaced`.

    These are the outermost plain `nn.Sequential`s, in which it is certain what follows a BatchNorm. What else
    the net consists of, and modules with hooks, are called as before.

    Args:
        model: the net.
        arithmetic: `torch`, which replaces nothing, or `fused`.

    Raises:
        InputError: the net is on a GPU, or there is no C compiler.
    """
    if arithmetic == TORCH:
        return {}
    if next(model.parameters()).device.type != "cpu":
        raise InputError("arithmetic: fused is for CPUs; set device: cpu, or remove it")
    library()
    return {each: _forward_of(list(_leaves(each))) for each in _outermost(model)}


@contextmanager
def replaced(forwards: Mapping[nn.Module, Forward]) -> Iterator[None]:
    """Have modules compute something else as long as the context lasts."""
    for module, forward in forwards.items():
        module.forward = forward
    try:
        yield
    finally:
        for module in forwards:
            del module.forward


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    """The plain Sequentials of a net that lie in no other one."""
    if _is_plain(module):
        yield module
    for child in _leaves(module) if _is_plain(module) else module.children():
        yield from _outermost(child)


def _is_plain(module: nn.Module) -> bool:
    return type(module) is nn.Sequential and not _has_hooks(module)


def _has_hooks(module: nn.Module) -> bool:
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, name) for name in names)


def _leaves(sequential: nn.Module) -> Iterator[nn.Module]:
    """The modules of a plain Sequential in their order, those of inner ones included."""
    for child in sequential.children():
        if _is_plain(child):
            yield from _leaves(child)
        else:
            yield child


def _forward_of(modules: list[nn.Module]) -> Forward:
    """One module after the other, each BatchNorm together with a ReLU behind it."""
    calls: list[Forward] = []
    left = modules[::-1]
    while left:
        module = left.pop()
        if _is_fusible(module):
            rectifies = bool(left) and type(left[-1]) in _RANGES and not _has_hooks(left[-1])
            calls.append(_norm(module, left.pop() if rectifies else nn.Identity()))
        else:
            calls.append(module)

    def forward(images: Tensor) -> Tensor:
        for call in calls:
            images = call(images)
        return images

    return forward


def _is_fusible(norm: nn.Module) -> TypeGuard[_BatchNorm]:
    """Whether it is a BatchNorm with all that torch's have by default."""
    if type(norm) not in (nn.BatchNorm1d, nn.BatchNorm2d) or _has_hooks(norm):
        return False
    own = (norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.momentum)
    return all(each is not None for each in own)


def _norm(norm: _BatchNorm, behind: nn.Module) -> Forward:
    """A BatchNorm and what is behind it: a ReLU, or nothing."""
    low, high = _RANGES.get(type(behind), (-math.inf, math.inf))

    def forward(images: Tensor) -> Tensor:
        # A frozen BatchNorm has other statistics; torch refuses a batch without a variance.
        if not norm.training or images.dtype != torch.float32 or images.numel() < 2 * images.shape[1]:
            return behind(norm(images))
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        return _Norm.apply(images, norm.weight, norm.bias, norm, low, high)

    return forward


class _Norm(torch.autograd.Function):
    """BatchNorm with the statistics of the batch, limited to a range."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor, norm: Any, low: float, high: float
    ) -> Tensor:
        """(n, channels) or (n, channels, height, width), and the same again."""
        images = _channels_last(images)
        rows, channels = images.numel() // images.shape[1], images.shape[1]
        out = torch.empty_like(images)
        mean, scale = torch.empty_like(weight), torch.empty_like(weight)
        tensors = (images, out, weight, bias, norm.running_mean, norm.running_var, mean, scale)
        library().forward(*map(Tensor.data_ptr, tensors), rows, channels, norm.momentum, norm.eps, low, high)
        ctx.save_for_backward(images, out, weight, mean, scale)
        ctx.limits = low, high
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of the images, the weight and the bias."""
        images, out, weight, mean, scale = ctx.saved_tensors
        of_images, of_weight, of_bias = map(torch.empty_like, (images, weight, weight))
        tensors = (_channels_last(gradient), images, out, weight, mean, scale, of_images, of_weight, of_bias)
        channels = images.shape[1]
        library().backward(*map(Tensor.data_ptr, tensors), images.numel() // channels, channels, *ctx.limits)
        return of_images, of_weight, of_bias, None, None, None


def _channels_last(values: Tensor) -> Tensor:
    layout = torch.channels_last if values.dim() == 4 else torch.contiguous_format
    return values.contiguous(memory_format=layout)
