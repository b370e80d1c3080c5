"""Stochastic gradient descent without the start-up time of torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Method = TypeVar("Method", bound=Callable[..., object])


def _eager(method: Method) -> Method:
    """A method without torch's wrapper around it, if it has one."""
    return getattr(method, "__wrapped__", method)


class SGD(torch.optim.SGD):
    """torch's SGD, to the last bit, without its wrappers for `torch.compile`.

    The wrappers import the compiler with the first optimizer, which takes over a second of CPU time per
    process.
    """

    step = torch.no_grad()(_eager(torch.optim.SGD.step))
    add_param_group = _eager(torch.optim.SGD.add_param_group)
    zero_grad = _eager(torch.optim.SGD.zero_grad)
    state_dict = _eager(torch.optim.SGD.state_dict)
    load_state_dict = _eager(torch.optim.SGD.load_state_dict)
