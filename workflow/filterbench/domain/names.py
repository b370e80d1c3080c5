"""Names of pruners as tables and sentences show them."""


def short(pruner: str) -> str:
    """A pruner's name without its ending."""
    return pruner.removesuffix("Pruner")
