localrules:
    result,
    compare,


rule result:
    """A cell in the published study's format."""
    input:
        baseline=BASELINE + "/baseline.json",
        prune=CELL + "/prune.json",
        speedup=CELL + "/speedup.json",
        counts=CELL + "/count.json",
        finetune=CELL + "/finetune.json",
    output:
        document=CELL + "/result.json",
    log:
        "logs/{study}/{model}/seed-{seed}/{pruner}/{sparsity}/result.log",
    conda:
        ENVIRONMENT
    params:
        code=rule_digest("result"),
    script:
        "../scripts/result.py"


def model_cells(wildcards):
    """The cell folders of a model."""
    start = MODEL_FOLDER.format(**wildcards) + "/"
    return [folder for folder in CELLS if folder.startswith(start)]


rule compare:
    """All cells of a model: the published collection format, and a table with one row a cell."""
    input:
        lambda wildcards: expand(
            "{cell}/{kind}.json", cell=model_cells(wildcards), kind=["result", "prune", "count", "finetune"]
        ),
    output:
        collection=MODEL_FOLDER + "/comparison.json",
        table=report(
            MODEL_FOLDER + "/comparison.csv",
            caption="../report/comparison_table.rst",
            category="Tables",
            labels={"model": "{model}"},
        ),
    log:
        "logs/{study}/{model}/compare.log",
    conda:
        ENVIRONMENT
    params:
        cells=model_cells,
        code=rule_digest("compare"),
    script:
        "../scripts/compare.py"
