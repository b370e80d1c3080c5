rule speedup:
    """The compact net of a cell, checked against the masked one."""
    input:
        images=IMAGES,
        weights=CELL + "/prune.safetensors",
    output:
        weights=CELL + "/speedup.safetensors",
        document=CELL + "/speedup.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{sparsity}/speedup.log",
    benchmark:
        CELL + "/speedup.benchmark.tsv"
    conda:
        ENVIRONMENT
    params:
        cell=cell,
        limits=LIMITS,
        device=config["device"],
        code=rule_digest("speedup"),
    script:
        "../scripts/speedup.py"
