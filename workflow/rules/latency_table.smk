rule latency_table:
    """How long the layers of a model take on this machine, by their channels; for budgets of latency."""
    input:
        images=IMAGES,
    output:
        document=f"{MODEL_FOLDER}/latency_table.json",
    log:
        "logs/{study}/{model}/latency_table.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(240),
        gpu=gpus,
    params:
        cell=baseline_cell,
        limits=LIMITS,
        device=config["device"],
        latency=LATENCY,
        stage="latency_table",
        code=code_of("latency_table"),
    script:
        "../scripts/stage.py"
