rule speedup:
    """The compact net of a cell, checked against the masked one."""
    input:
        images=PLAN.images,
        document=f"{CELL}/prune.json",
        weights=f"{CELL}/prune.safetensors",
    output:
        weights=f"{CELL}/speedup.safetensors",
        document=f"{CELL}/speedup.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/speedup.log",
    benchmark:
        f"{CELL}/speedup.benchmark.tsv"
    group:
        "cell"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(30),
        gpu=gpus,
    params:
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=config["device"],
        stage="stages.speedup",
        code=code_of("speedup"),
    script:
        "../scripts/stage.py"
