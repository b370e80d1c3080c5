rule count:
    """Params and multiply-accumulates of a cell, by two counters."""
    input:
        document=f"{CELL}/speedup.json",
        original=f"{BASELINE}/model.safetensors",
        compact=f"{CELL}/speedup.safetensors",
    output:
        document=f"{CELL}/count.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/count.log",
    benchmark:
        f"{CELL}/count.benchmark.tsv"
    group:
        "cell"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(3),
        runtime=minutes(15),
        gpu=0,
    params:
        cell=PLAN.cell,
        device="cpu",
        stage="stages.count",
        code=code_of("count"),
    script:
        "../scripts/stage.py"
