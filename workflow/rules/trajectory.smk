rule trajectory:
    """One search that serves all sparsities of a pruner on a model."""
    input:
        images=IMAGES,
        weights=f"{BASELINE}/model.safetensors",
    output:
        weights=f"{TRAJECTORY}/trajectory.safetensors",
        document=f"{TRAJECTORY}/trajectory.json",
        search=f"{TRAJECTORY}/trajectory.csv",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/trajectory.log",
    benchmark:
        f"{TRAJECTORY}/trajectory.benchmark.tsv"
    wildcard_constraints:
        pruner=any_of(name for name, entry in PRUNERS.items() if entry.trajectory),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(1440),
        gpu=gpus,
    params:
        cell=baseline_cell,
        limits=LIMITS,
        device=config["device"],
        arguments=pruner_arguments,
        search=search_settings,
        kind=SPARSITY,
        targets=lambda wildcards: sparsities(config, wildcards.pruner, wildcards.model),
        stage="trajectory",
        code=code_of("trajectory"),
    script:
        "../scripts/stage.py"


use rule trajectory as trajectory_within with:
    input:
        unpack(latency_table_of),
        images=IMAGES,
        weights=f"{BASELINE}/model.safetensors",
    output:
        weights=f"{TRAJECTORY}/{{kind}}/trajectory.safetensors",
        document=f"{TRAJECTORY}/{{kind}}/trajectory.json",
        search=f"{TRAJECTORY}/{{kind}}/trajectory.csv",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{kind}/trajectory.log",
    benchmark:
        f"{TRAJECTORY}/{{kind}}/trajectory.benchmark.tsv"
    wildcard_constraints:
        pruner=any_of(name for name, entry in PRUNERS.items() if entry.trajectory),
        kind=any_of(BUDGETS),
    params:
        cell=baseline_cell,
        limits=LIMITS,
        device=config["device"],
        arguments=pruner_arguments,
        search=search_settings,
        kind="{kind}",
        targets=lambda wildcards: budgets(config, wildcards.pruner, wildcards.model)[wildcards.kind],
        stage="trajectory",
        code=code_of("trajectory"),
