"""Penalties of sparse training: what they add to the gradients of a step, beside those of the loss.

Each drives the filters of a net apart, so that fewer of them matter. Filters are penalised one by one, also
where a sum couples them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from filterbench.storage.errors import InputError

# From a net, pairs of a weight and the gradient of the penalty at strength 1, of the same shape.
Penalty = Callable[[nn.Module], Iterator[tuple[Tensor, Tensor]]]


def bn_scales(model: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """The sum of the sizes of BatchNorm's weights.

    Network slimming (Liu et al. 2017, arXiv:1708.06519, section 3).
    """
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.affine:
            yield layer.weight, layer.weight.sign()


def filter_norms(model: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """The sum of the L2 norms of all filters: a group lasso, of which each filter is a group.

    Wen et al. 2016, arXiv:1608.03665, section 3.1.
    """
    for layer in _convolutions(model):
        yield layer.weight, normalize(layer.weight.flatten(1)).view_as(layer.weight)


def growing(model: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Half the sum of the squared weights of all filters, of a strength that grows from epoch to epoch.

    GReg-2 (Wang et al. 2021, arXiv:2012.09243): under a penalty that rises equally for all, the filters that
    matter least shrink first.
    """
    for layer in _convolutions(model):
        yield layer.weight, layer.weight


def _convolutions(model: nn.Module) -> Iterator[nn.Conv2d]:
    return (layer for layer in model.modules() if isinstance(layer, nn.Conv2d))


# By name; `config.schema.json` has the same names.
PENALTIES: dict[str, Penalty] = {"bn-scales": bn_scales, "filter-norms": filter_norms, "growing": growing}


def gradients_of(model: nn.Module, penalty: str) -> Iterator[tuple[Tensor, Tensor]]:
    """The weights of a net that a penalty is on, each with its gradient at strength 1."""
    return PENALTIES[penalty](model)


def strength_in(epoch: int, epochs: int, penalty: str, strength: float) -> float:
    """The strength of a penalty in an epoch.

    Args:
        epoch: from 1 to `epochs`.
        epochs: of the training.
        penalty: a key of `PENALTIES`.
        strength: of the study; the one that `growing` has in the last epoch.
    """
    return strength * epoch / epochs if penalty == "growing" else strength


def check_penalty(model: nn.Module, penalty: str) -> None:
    """Refuse a penalty on what a net does not have.

    Raises:
        InputError: the net has no such parameters.
    """
    if next(gradients_of(model, penalty), None) is None:
        others = ", ".join(name for name in PENALTIES if name != penalty)
        raise InputError(f"sparse_training.penalty: {penalty}: the net has no BatchNorm; allowed: {others}")


@torch.no_grad()
def add_penalty(model: nn.Module, penalty: str, strength: float) -> None:
    """Add a penalty's gradient to the gradients that the loss has given.

    Args:
        model: the net, after its backward pass.
        penalty: a key of `PENALTIES`.
        strength: factor of the penalty, from 0.
    """
    for weight, gradient in gradients_of(model, penalty):
        if weight.grad is not None:
            weight.grad.add_(gradient, alpha=strength)
