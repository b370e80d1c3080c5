localrules:
    compare_latency,


# Settings that the study leaves out.
LATENCY = {"batch": 64, "runs": 50, "warm_up": 10, "threads": 1} | config.get("latency", {})


def whole_machine(wildcards):
    """All cores, so that no other job disturbs a measurement here. On a cluster the profile asks for a
    node without other jobs, and the cores are those that compute."""
    return workflow.cores if workflow.is_main_process and workflow.local_exec else LATENCY["threads"]


rule latency:
    """Wall-clock time of a cell's original and compact net; on request."""
    input:
        images=IMAGES,
        document=f"{CELL}/speedup.json",
        original=f"{BASELINE}/model.safetensors",
        compact=f"{CELL}/speedup.safetensors",
    output:
        document=f"{CELL}/latency.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{sparsity}/latency.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=gigabytes(6),
        runtime=minutes(60),
        gpu=gpus,
    params:
        cell=cell,
        limits=LIMITS,
        device=config["device"],
        latency=LATENCY,
        code=rule_digest("latency"),
    script:
        "../scripts/latency.py"


rule compare_latency:
    """Measured latencies of a model's cells, as a table and a figure; on request."""
    input:
        lambda wildcards: expand(
            "{cell}/{kind}.json", cell=model_cells(wildcards), kind=["result", "finetune", "latency"]
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
        cells=model_cells,
        code=rule_digest("compare_latency"),
    script:
        "../scripts/compare_latency.py"
