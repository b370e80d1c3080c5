"""torch's optimizers without their start-up time.

torch wraps their methods for `torch.compile`. With the first optimizer the wrappers import the compiler, for
which each process would take over a second of CPU time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Method = TypeVar("Method", bound=Callable[..., object])


def _eager(method: Method) -> Method:
    """A method without torch's wrapper around it, if it has one."""
    return getattr(method, "__wrapped__", method)


class _Eager(torch.optim.Optimizer):
    """What all of torch's optimizers share, unwrapped."""

    add_param_group = _eager(torch.optim.Optimizer.add_param_group)
    zero_grad = _eager(torch.optim.Optimizer.zero_grad)
    state_dict = _eager(torch.optim.Optimizer.state_dict)
    load_state_dict = _eager(torch.optim.Optimizer.load_state_dict)


class SGD(_Eager, torch.optim.SGD):
    """torch's stochastic gradient descent, to the last bit."""

    step = torch.no_grad()(_eager(torch.optim.SGD.step))


class Adam(_Eager, torch.optim.Adam):
    """torch's Adam, to the last bit."""

    step = torch.no_grad()(_eager(torch.optim.Adam.step))
