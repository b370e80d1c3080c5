rule prune:
    """Channel masks of a cell, and the masked net."""
    input:
        images=IMAGES,
        weights=BASELINE + "/model.safetensors",
    output:
        weights=CELL + "/prune.safetensors",
        document=CELL + "/prune.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{sparsity}/prune.log",
    benchmark:
        CELL + "/prune.benchmark.tsv"
    conda:
        ENVIRONMENT
    params:
        cell=cell,
        limits=LIMITS,
        device=config["device"],
        arguments=lookup("pruners/{pruner}", within=config),
        code=rule_digest("prune"),
    script:
        "../scripts/prune.py"
