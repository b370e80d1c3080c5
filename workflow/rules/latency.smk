localrules:
    compare_latency,


rule latency:
    """Wall-clock time of a cell's original and compact net; on request."""
    input:
        images=PLAN.images,
        document=f"{CELL}/speedup.json",
        original=f"{BASELINE}/model.safetensors",
        compact=f"{CELL}/speedup.safetensors",
    output:
        document=f"{CELL}/latency.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/latency.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(60),
        gpu=gpus,
    params:
        cell=PLAN.cell,
        limits=PLAN.limits,
        device=config["device"],
        latency=PLAN.latency,
        stage="stages.latency",
        code=code_of("latency"),
    script:
        "../scripts/stage.py"


rule compare_latency:
    """Measured latencies of a model's cells, as a table and a figure; on request."""
    input:
        lambda wildcards: expand(
            "{cell}/{kind}.json", cell=PLAN.model_cells(wildcards), kind=["result", "finetune", "latency"]
        ),
    output:
        table=f"results/{STUDY}/{{model}}/latency.csv",
        png=report(
            "figures/accuracy_against_latency_{model}.png",
            caption="../report/latency.rst",
            category="Figures",
            labels={"model": "{model}", "figure": "accuracy_against_latency"},
        ),
        svg="figures/accuracy_against_latency_{model}.svg",
    log:
        f"logs/{STUDY}/{{model}}/compare_latency.log",
    conda:
        ENVIRONMENT
    params:
        model="{model}",
        dataset=config["dataset"]["name"],
        cells=PLAN.model_cells,
        stage="stages.compare_latency",
        code=code_of("compare_latency"),
    script:
        "../scripts/stage.py"
