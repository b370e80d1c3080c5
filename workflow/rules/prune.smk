rule prune:
    """Channel masks of a cell, and the masked net."""
    input:
        unpack(PLAN.trajectory_of),
        unpack(PLAN.searched_cell),
        unpack(PLAN.latency_table_of),
        images=PLAN.images,
        weights=f"{BASELINE}/model.safetensors",
    output:
        weights=f"{CELL}/prune.safetensors",
        document=f"{CELL}/prune.json",
        search=f"{CELL}/search.csv",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/prune.log",
    benchmark:
        f"{CELL}/prune.benchmark.tsv"
    group:
        lambda wildcards: group_of(wildcards.pruner)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=prune_minutes,
        gpu=gpus,
    params:
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=config["device"],
        arguments=PLAN.pruner_arguments,
        search=PLAN.search_settings,
        stage="stages.prune",
        code=code_of("prune"),
    script:
        "../scripts/stage.py"
