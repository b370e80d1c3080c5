"""Names of table columns for values that documents give by net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


def net_columns(name: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Values by net, as columns of a table whose names begin with `name`.

    The published format calls the compact net `speedup`, after the stage that makes it. In a column's name
    that would read as a ratio, so tables say `compact`.
    """
    return {f"{name}_{'compact' if net == 'speedup' else net}": value for net, value in values.items()}
