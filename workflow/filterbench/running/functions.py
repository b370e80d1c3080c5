"""Functions that Snakemake calls for every job."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from snakemake.common import overwrite_function_params

Function = TypeVar("Function", bound=Callable[..., Any])


def of_every_job(function: Function) -> Function:
    """Tell Snakemake a function's parameters, which it would inspect several times for each job."""
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function
