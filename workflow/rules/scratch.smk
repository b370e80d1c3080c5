rule scratch:
    """A net of a cell's compact shapes, trained from fresh weights."""
    input:
        images=PLAN.images,
        document=f"{CELL}/speedup.json",
        weights=f"{CELL}/speedup.safetensors",
    output:
        weights=f"{CELL}/scratch-{{budget}}.safetensors",
        document=f"{CELL}/scratch-{{budget}}.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/scratch-{budget}.log",
    benchmark:
        f"{CELL}/scratch-{{budget}}.benchmark.tsv"
    wildcard_constraints:
        budget="finetune|baseline",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(240),
        gpu=gpus,
    params:
        cell=PLAN.cell,
        budget="{budget}",
        limits=PLAN.limits,
        device=config["device"],
        training=lambda wildcards: PLAN.training(wildcards.budget)(wildcards),
        stage="stages.scratch",
        code=code_of("scratch"),
    script:
        "../scripts/stage.py"
