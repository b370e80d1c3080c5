"""Stochastic gradient descent, ready at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _eager(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method without torch's wrapper around it, if it has one."""
    return getattr(method, "__wrapped__", method)


class SGD(torch.optim.SGD):
    """torch's SGD, to the last bit, without its wrappers for `torch.compile`.

    They import the compiler when the first optimizer is made, a second and more of CPU time in each process.
    """

    step = torch.no_grad()(_eager(torch.optim.SGD.step))
    add_param_group = _eager(torch.optim.SGD.add_param_group)
    zero_grad = _eager(torch.optim.SGD.zero_grad)
    state_dict = _eager(torch.optim.SGD.state_dict)
    load_state_dict = _eager(torch.optim.SGD.load_state_dict)
