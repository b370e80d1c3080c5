localrules:
    result,
    compare,


rule result:
    """A cell in the published study's format."""
    input:
        baseline=f"{BASELINE}/baseline.json",
        prune=f"{CELL}/prune.json",
        speedup=f"{CELL}/speedup.json",
        counts=f"{CELL}/count.json",
        finetune=f"{CELL}/finetune.json",
    output:
        document=f"{CELL}/result.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{target}/result.log",
    conda:
        ENVIRONMENT
    params:
        stage="stages.result",
        code=code_of("result"),
    script:
        "../scripts/stage.py"


rule compare:
    """All cells of a model: the published collection format, and a table with one row a cell."""
    input:
        lambda wildcards: expand(
            "{cell}/{kind}.json",
            cell=PLAN.model_cells(wildcards),
            kind=["result", "prune", "count", "finetune", *(f"scratch-{budget}" for budget in SCRATCH)],
        ),
        lambda wildcards: expand(
            f"{BASELINE}/baseline-finetune.json" if UNPRUNED else [], seed=config["seeds"], **wildcards
        ),
    output:
        collection=f"{MODEL_FOLDER}/comparison.json",
        table=report(
            f"{MODEL_FOLDER}/comparison.csv",
            caption="../report/comparison_table.rst",
            category="Tables",
            labels={"model": "{model}"},
        ),
    log:
        "logs/{study}/{model}/compare.log",
    conda:
        ENVIRONMENT
    params:
        cells=PLAN.model_cells,
        scratch=SCRATCH,
        unpruned=UNPRUNED,
        stage="stages.compare",
        code=code_of("compare"),
    script:
        "../scripts/stage.py"
