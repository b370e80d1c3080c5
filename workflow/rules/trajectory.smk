rule trajectory:
    """One search that serves all sparsities of a pruner on a model."""
    input:
        images=PLAN.images,
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
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=config["device"],
        arguments=PLAN.pruner_arguments,
        search=PLAN.search_settings,
        kind=SPARSITY,
        targets=PLAN.sparsities,
        stage="stages.trajectory",
        code=code_of("trajectory"),
    script:
        "../scripts/stage.py"


use rule trajectory as trajectory_within with:
    input:
        unpack(PLAN.latency_table_of),
        images=PLAN.images,
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
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=config["device"],
        arguments=PLAN.pruner_arguments,
        search=PLAN.search_settings,
        kind="{kind}",
        targets=lambda wildcards: budgets(config, wildcards.pruner, wildcards.model)[wildcards.kind],
        stage="stages.trajectory",
        code=code_of("trajectory"),
