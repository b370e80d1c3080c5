rule prune:
    """Channel masks of a cell, and the masked net."""
    input:
        images=IMAGES,
        weights=f"{BASELINE}/model.safetensors",
    output:
        weights=f"{CELL}/prune.safetensors",
        document=f"{CELL}/prune.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{sparsity}/prune.log",
    benchmark:
        f"{CELL}/prune.benchmark.tsv"
    conda:
        ENVIRONMENT
    params:
        cell=cell,
        limits=LIMITS,
        device=config["device"],
        arguments=lookup("pruners/{pruner}/arguments", within=config, default={}),
        code=rule_digest("prune"),
    script:
        "../scripts/prune.py"
