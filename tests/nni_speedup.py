"""The compact net by NNI 2.10.1's ModelSpeedup, which the workflow's own compact nets are compared with."""

import copy
import warnings

import torch
from torch import Tensor, nn

from filterbench.models.inputs import example_input

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nni.compression.pytorch.speedup import ModelSpeedup


def sped_up(model: nn.Module, masks: dict[str, Tensor]) -> nn.Module:
    """A masked and silenced net in evaluation mode without its masked channels; it is not changed."""
    smaller = copy.deepcopy(model)
    modules = dict(smaller.named_modules())
    weight_masks = {}
    for name, kept in masks.items():
        weight = modules[name].weight
        channels = kept.to(weight)
        weight_masks[name] = {
            "weight": channels.view(-1, 1, 1, 1).expand_as(weight).contiguous(),
            "bias": None if modules[name].bias is None else channels,
        }
    # NNI reads .grad of non-leaf tensors on purpose, which torch warns about.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ModelSpeedup(smaller, example_input(smaller), weight_masks).speedup_model()
    return smaller


def same_state(one: nn.Module, other: nn.Module) -> bool:
    """Whether two nets have the same tensors by the same names, to the bit."""
    found, expected = one.state_dict(), other.state_dict()
    return found.keys() == expected.keys() and all(
        torch.equal(tensor, expected[name]) for name, tensor in found.items()
    )
