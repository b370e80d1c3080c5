rule prune:
    """Channel masks of a cell, and the masked net."""
    input:
        unpack(trajectory_of),
        unpack(searched_cell),
        unpack(latency_table_of),
        images=IMAGES,
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
        prune_group
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=prune_minutes,
        gpu=gpus,
    params:
        cell=cell,
        limits=LIMITS,
        device=config["device"],
        arguments=pruner_arguments,
        search=search_settings,
        stage="prune",
        code=code_of("prune"),
    script:
        "../scripts/stage.py"
