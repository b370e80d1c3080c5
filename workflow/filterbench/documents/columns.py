"""How tables name what documents say by net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def net_columns(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What documents say by net, as columns of a table.

    The published format calls the compact net `speedup`, after the stage that makes it. In a table that would
    read as a ratio.

    Args:
        name: what the columns' names begin with.
        values: by net.
    """
    return {f"{name}_{'compact' if net == 'speedup' else net}": value for net, value in values.items()}
