"""Tables of made-up cells."""

import numpy as np
import pandas as pd


def cells(
    accuracy: dict[str, float],
    sparsities=(0.3, 0.5, 0.65, 0.75, 0.8),
    seeds=(0, 1, 2),
    models=("a", "b", "c"),
    spread=0.0,
) -> pd.DataFrame:
    """Cells whose params and FLOPs shrink alike, with one accuracy a pruner.

    Args:
        accuracy: 0 to 1, by pruner.
        sparsities: the default ones reach 2.04, 4, 8.16, 16 and 25 times fewer params.
        seeds: of each model.
        models: with the same accuracies.
        spread: standard deviation of accuracies, 0 to 1.
    """
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "model": model,
                "pruner": pruner,
                "sparsity": sparsity,
                "seed": seed,
                "infeasible": None,
                "performance_original": 0.95,
                "performance_finetuned": value + spread * draw.standard_normal(),
                "params_original": 1_000_000,
                "params_compact": round(1_000_000 * (1 - sparsity) ** 2),
                "flops_original": 1_000_000,
                "flops_compact": round(1_000_000 * (1 - sparsity) ** 2),
            }
            for model in models
            for seed in seeds
            for pruner, value in accuracy.items()
            for sparsity in sparsities
        ]
    )
