rule count:
    """Params and multiply-accumulates of a cell, by two counters."""
    input:
        original=BASELINE + "/model.safetensors",
        compact=CELL + "/speedup.safetensors",
    output:
        document=CELL + "/count.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{sparsity}/count.log",
    benchmark:
        CELL + "/count.benchmark.tsv"
    conda:
        ENVIRONMENT
    params:
        cell=cell,
        device="cpu",
        code=rule_digest("count"),
    script:
        "../scripts/count.py"
