"""What the cells of a study say together: fronts, curves, verdicts, and how they compare with published ones.

All functions take a table of cells as `comparison.csv` holds it: one row per cell, with at least `model`,
`pruner`, `sparsity`, `seed`, `performance_finetuned` (0..1), `params_compact`, `flops_compact`, the same of
the unpruned net as `..._original`, and `infeasible` (a reason, or NaN).
"""
