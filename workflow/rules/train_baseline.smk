rule train_baseline:
    """The unpruned net of a model and seed."""
    input:
        images=PLAN.images,
    output:
        weights=f"{BASELINE}/model.safetensors",
        document=f"{BASELINE}/baseline.json",
    log:
        "logs/{study}/{model}/seed-{seed}/train_baseline.log",
    benchmark:
        f"{BASELINE}/train_baseline.benchmark.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(240),
        gpu=gpus,
    params:
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=config["device"],
        training=PLAN.training("baseline"),
        stage="stages.train_baseline",
        code=code_of("train_baseline"),
    script:
        "../scripts/stage.py"
