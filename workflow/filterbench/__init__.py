"""FilterBench: a reproducible comparison of filter pruning algorithms."""
