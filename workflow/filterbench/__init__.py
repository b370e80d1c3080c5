"""FilterBench: a reproducible comparison of filter pruning algorithms."""

__version__ = "0.2.0"
