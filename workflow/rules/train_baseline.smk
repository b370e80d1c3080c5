rule train_baseline:
    """The unpruned net of a model and seed."""
    input:
        images=IMAGES,
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
        cell=baseline_cell,
        limits=LIMITS,
        device=config["device"],
        training=lambda wildcards: training_settings(config, "baseline", wildcards.model),
        stage="train_baseline",
        code=code_of("train_baseline"),
    script:
        "../scripts/stage.py"
