from filterbench.study.imports import imports_digest
from filterbench.orchestration.entry import imports_or_exit


localrules:
    published_figure,
    published_verdicts,
    reproduction,
    imported_results,
    imported_verdicts,


# A user's own NNI results.
IMPORTS = imports_or_exit(config, workflow.is_main_process)
IMPORTED = f"results/imported/{IMPORTS.name}"
IMPORTED_TABLES = expand(f"{IMPORTED}/{{model}}/comparison.csv", model=IMPORTS.sources)


rule published_figure:
    """The published study's figure of a model, from its published cells; on request before fine-tuning."""
    output:
        **vector("figures/{figure}_{model}"),
        png=report(
            "figures/{figure}_{model}.png",
            caption="../report/published.rst",
            category="Published study",
            labels={"model": "{model}", "figure": "{figure}"},
        ),
    log:
        "logs/published/{model}/plot_{figure}.log",
    wildcard_constraints:
        figure="published|published_before",
        model=any_of(PUBLISHED_MODELS),
    conda:
        ENVIRONMENT
    params:
        **stage("published"),
        model="{model}",
        figure="{figure}",
        cells=files_digest([PAPER_TABLE, RAW_TABLE]),
    script:
        "../scripts/stage.py"


use rule verdicts as published_verdicts with:
    input:
        [],
    output:
        document="results/published/verdicts.json",
        page=report(
            "results/published/verdicts.md",
            caption="../report/verdicts.rst",
            category="Verdicts",
            labels={"cells": "published study"},
        ),
    log:
        "logs/published/verdicts.log",
    params:
        **stage("verdicts"),
        tables=None,
        source="the published cells",
        cells=files_digest([RAW_TABLE]),


rule reproduction:
    """The study's cells, as far as they are made, beside the published ones."""
    output:
        document=f"results/{STUDY}/reproduction.json",
        page=report(
            f"results/{STUDY}/reproduction.md",
            caption="../report/reproduction.rst",
            category="Published study",
            labels={"model": "all", "figure": "reproduction"},
        ),
    log:
        f"logs/{STUDY}/reproduction.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("reproduction"),
        cells=files_digest([RAW_TABLE]),
        documents=lambda wildcards: made_digest(
            collect("{cell}/{name}.json", cell=PLAN.cells, name=["count", "finetune"])
        ),
    script:
        "../scripts/stage.py"


rule imported_results:
    """A user's NNI results of a model, checked, as one more study."""
    output:
        **vector("figures/imported_{model}"),
        collection=f"{IMPORTED}/{{model}}/comparison.json",
        table=f"{IMPORTED}/{{model}}/comparison.csv",
        png=report(
            "figures/imported_{model}.png",
            caption="../report/imported.rst",
            category="Imported results",
            labels={"model": "{model}", "figure": "imported"},
        ),
    log:
        "logs/imported/{model}/import.log",
    wildcard_constraints:
        model=any_of(IMPORTS.sources),
    conda:
        ENVIRONMENT
    resources:
        source=lambda wildcards: str(IMPORTS.sources[wildcards.model]),
    params:
        **stage("imported"),
        model="{model}",
        cells=files_digest([RAW_TABLE]),
        documents=lambda wildcards: imports_digest(IMPORTS.sources[wildcards.model]),
    script:
        "../scripts/stage.py"


use rule verdicts as imported_verdicts with:
    input:
        IMPORTED_TABLES,
    output:
        document=f"{IMPORTED}/verdicts.json",
        page=report(
            f"{IMPORTED}/verdicts.md",
            caption="../report/verdicts.rst",
            category="Verdicts",
            labels={"cells": "imported results"},
        ),
    log:
        "logs/imported/verdicts.log",
    params:
        **stage("verdicts"),
        tables=list(map(there, IMPORTED_TABLES)),
        source=lambda wildcards: f"the results in {config.get('nni_results') or 'no folder'}",
