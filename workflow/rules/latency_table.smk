rule latency_table:
    """How long the layers of a model take on this machine, by their channels; for budgets of latency."""
    input:
        images=PLAN.images,
    output:
        document=LATENCY_TABLE,
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
        cell=PLAN.baseline_cell,
        limits=PLAN.limits,
        device=config["device"],
        latency=PLAN.latency,
        stage="stages.latency_table",
        code=code_of("latency_table"),
    script:
        "../scripts/stage.py"
