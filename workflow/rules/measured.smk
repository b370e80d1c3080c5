# Comparisons that take measurements of nets, which a study has on request.
localrules:
    compare_latency,
    compare_int8,
    latency_verdicts,


SHAPE_LATENCIES = expand(f"{MODEL_FOLDER}/shape_latency.csv", study=STUDY, model=config["models"])


rule compare_latency:
    """Measured latencies of a model's cells, as a table and a figure; on request."""
    input:
        lambda wildcards: expand(
            "{cell}/{kind}.json", cell=PLAN.model_cells(wildcards), kind=["result", "finetune", "latency"]
        ),
    output:
        **vector(f"results/{STUDY}/figures/accuracy_against_latency_{{model}}"),
        table=f"results/{STUDY}/{{model}}/latency.csv",
        png=report(
            f"results/{STUDY}/figures/accuracy_against_latency_{{model}}.png",
            caption="../report/latency.rst",
            category="Figures",
            labels={"model": "{model}", "figure": "accuracy_against_latency"},
        ),
    log:
        f"logs/{STUDY}/{{model}}/compare_latency.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("compare_latency"),
    script:
        "../scripts/stage.py"


rule compare_int8:
    """A model's cells in int8 beside float32, as a table and a figure; on request."""
    input:
        lambda wildcards: expand(
            "{cell}/{kind}.json", cell=PLAN.model_cells(wildcards), kind=["result", "int8"]
        ),
    output:
        **vector(f"results/{STUDY}/figures/int8_{{model}}"),
        table=f"results/{STUDY}/{{model}}/int8.csv",
        png=report(
            f"results/{STUDY}/figures/int8_{{model}}.png",
            caption="../report/int8.rst",
            category="Figures",
            labels={"model": "{model}", "figure": "int8"},
        ),
    log:
        f"logs/{STUDY}/{{model}}/compare_int8.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("compare_int8"),
    script:
        "../scripts/stage.py"


rule shape_latencies:
    """Latencies of nets with the shapes of searched cells and of their uniform controls; on request."""

    # The cells' documents are taken as they are, so that those of another machine do, which come without weights.
    input:
        images=PLAN.images,
    output:
        table=f"{MODEL_FOLDER}/shape_latency.csv",
    log:
        "logs/{study}/{model}/shape_latencies.log",
    conda:
        ENVIRONMENT
    threads: whole_machine
    resources:
        mem_mb=more_each_time(6000),
        runtime=more_each_time(120),
        gpu=GPU,
    params:
        **stage("shape_latencies"),
        cell=PLAN.baseline_cell,
        cells=lambda wildcards: list(map(there, PLAN.matched_cells(wildcards.model, wildcards.study))),
        documents=lambda wildcards: made_digest(
            collect(
                "{cell}/{name}.json",
                cell=PLAN.matched_cells(wildcards.model, wildcards.study),
                name=["speedup", "count"],
            )
        ),
        limits=PLAN.limits,
        device=device,
        measurement=PLAN.latency,
    script:
        "../scripts/stage.py"


rule latency_verdicts:
    """Whether a search pays at equal latency; on request."""
    input:
        SHAPE_LATENCIES,
    output:
        document=f"results/{STUDY}/verdicts-latency.json",
        page=report(
            f"results/{STUDY}/verdicts-latency.md",
            caption="../report/latency_verdicts.rst",
            category="Verdicts",
            labels={"cells": "this study, at equal latency"},
        ),
    log:
        f"logs/{STUDY}/latency_verdicts.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("latency_verdicts"),
        # No input, so that those of another machine do.
        accuracies=lambda wildcards: made_digest(TABLES),
    script:
        "../scripts/stage.py"
