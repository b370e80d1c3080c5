# Seconds each, from documents and tables alone.
localrules:
    published_figure,
    verdicts,
    published_verdicts,
    differences,
    optimism_gap,
    reproduction,
    page,
    imported_results,
    imported_verdicts,


rule published_figure:
    """The published study's figure of a model, from its published cells; on request before fine-tuning."""
    output:
        png=report(
            "figures/{figure}_{model}.png",
            caption="../report/published.rst",
            category="Published study",
            labels={"model": "{model}", "figure": "{figure}"},
        ),
        svg="figures/{figure}_{model}.svg",
    log:
        "logs/published/{model}/plot_{figure}.log",
    wildcard_constraints:
        figure="published|published_before",
        model=any_of(PUBLISHED_MODELS),
    conda:
        ENVIRONMENT
    params:
        model="{model}",
        figure="{figure}",
        cells=files_digest(published_files()),
        stage="stages.published",
        code=code_of("published"),
    script:
        "../scripts/stage.py"


rule differences:
    """Every pruner against every other: at equal budget, paired by seed, and image by image."""
    input:
        TABLES,
        collect("{cell}/finetune.correct", cell=PLAN.cells),
    output:
        table=report(
            f"results/{STUDY}/differences.csv",
            caption="../report/differences.rst",
            category="Tables",
            labels={"model": "all"},
        ),
        images=report(
            f"results/{STUDY}/mcnemar.csv",
            caption="../report/mcnemar.rst",
            category="Tables",
            labels={"model": "all"},
        ),
    log:
        f"logs/{STUDY}/differences.log",
    conda:
        ENVIRONMENT
    params:
        tables=TABLES,
        cells=PLAN.cells,
        stage="stages.differences",
        code=code_of("differences"),
    script:
        "../scripts/stage.py"


rule verdicts:
    """What the study's cells say about the published conclusions."""
    input:
        TABLES,
        mcnemar=rules.differences.output.images,
    output:
        document=f"results/{STUDY}/verdicts.json",
        page=report(
            f"results/{STUDY}/verdicts.md",
            caption="../report/verdicts.rst",
            category="Verdicts",
            labels={"cells": "this study"},
        ),
    log:
        f"logs/{STUDY}/verdicts.log",
    conda:
        ENVIRONMENT
    params:
        tables=TABLES,
        source=f"study {STUDY}",
        stage="stages.verdicts",
        code=code_of("verdicts"),
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
        tables=None,
        source="the published cells",
        cells=files_digest(published_files()),
        stage="stages.verdicts",
        code=code_of("verdicts"),


use rule verdicts as imported_verdicts with:
    input:
        IMPORTED_TABLES,
    output:
        document="results/imported/verdicts.json",
        page=report(
            "results/imported/verdicts.md",
            caption="../report/verdicts.rst",
            category="Verdicts",
            labels={"cells": "imported results"},
        ),
    log:
        "logs/imported/verdicts.log",
    params:
        tables=IMPORTED_TABLES,
        source=f"the results in {NNI_RESULTS or 'no folder'}",
        stage="stages.verdicts",
        code=code_of("verdicts"),


rule optimism_gap:
    """The same cells under both protocols: how much choosing by the test images flatters them."""
    input:
        **{
            protocol: f"results/{study}/{{model}}/comparison.csv"
            for study, protocol in PLAN.protocols.items()
        },
    output:
        table=report(
            f"results/{STUDY}/{{model}}/optimism.csv",
            caption="../report/optimism.rst",
            category="Protocol",
            labels={"model": "{model}", "figure": "table"},
        ),
        png=report(
            "figures/optimism_{model}.png",
            caption="../report/optimism.rst",
            category="Protocol",
            labels={"model": "{model}", "figure": "optimism"},
        ),
        svg="figures/optimism_{model}.svg",
    log:
        f"logs/{STUDY}/{{model}}/optimism.log",
    conda:
        ENVIRONMENT
    params:
        model="{model}",
        dataset=config["dataset"]["name"],
        stage="stages.optimism",
        code=code_of("optimism"),
    script:
        "../scripts/stage.py"


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
        study=STUDY,
        cells={model: PLAN.cells_of(model) for model in config["models"] if model in PUBLISHED_MODELS},
        accuracies=COMPARABLE,
        documents=lambda wildcards: files_digest(PLAN.made_of_cells("count.json", "finetune.json")),
        stage="stages.reproduction",
        code=code_of("reproduction"),
    script:
        "../scripts/stage.py"


rule page:
    """One HTML file in which a reader explores the study."""
    input:
        TABLES,
    output:
        page=f"results/{STUDY}/page.html",
    log:
        f"logs/{STUDY}/page.log",
    conda:
        ENVIRONMENT
    params:
        tables=TABLES,
        study=STUDY,
        dataset=config["dataset"]["name"],
        published=COMPARABLE,
        stage="stages.page",
        code=code_of("page"),
    script:
        "../scripts/stage.py"


rule imported_results:
    """A user's NNI results of a model, checked, as one more study."""
    output:
        collection="results/imported/{model}/comparison.json",
        table="results/imported/{model}/comparison.csv",
        png=report(
            "figures/imported_{model}.png",
            caption="../report/imported.rst",
            category="Imported results",
            labels={"model": "{model}", "figure": "imported"},
        ),
        svg="figures/imported_{model}.svg",
    log:
        "logs/imported/{model}/import.log",
    wildcard_constraints:
        model=any_of(IMPORTED_MODELS),
    conda:
        ENVIRONMENT
    params:
        model="{model}",
        folder=NNI_RESULTS,
        documents=lambda wildcards: files_digest(sorted(Path(NNI_RESULTS).rglob("*.json"))),
        stage="stages.imported",
        code=code_of("imported"),
    script:
        "../scripts/stage.py"
