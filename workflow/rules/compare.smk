from filterbench.study.cells import baseline_documents


# Seconds each, from documents and tables alone.
localrules:
    result,
    compare,
    differences,
    verdicts,
    judged_claims,
    leads,
    ranking,
    optimism_gap,
    page,


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
    # Soon: `so_far` shows whole cells.
    priority: 1
    conda:
        ENVIRONMENT
    params:
        **stage("result"),
    script:
        "../scripts/stage.py"


rule compare:
    """All cells of a model: the published collection format, and a table with one row per cell."""
    input:
        lambda wildcards: PLAN.documents(PLAN.model_cells(wildcards)),
        lambda wildcards: expand(
            f"{BASELINE}/{{kind}}.json", kind=baseline_documents(config), seed=config["seeds"], **wildcards
        ),
        PLAN.search_paths,
    output:
        collection=f"{MODEL_FOLDER}/comparison.json",
        digests=f"{MODEL_FOLDER}/digests.json",
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
        **table_stage("compare"),
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
        **table_stage("differences"),
    script:
        "../scripts/stage.py"


rule verdicts:
    """What the study's cells say about the published conclusions."""
    input:
        TABLES,
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
        **table_stage("verdicts"),
    script:
        "../scripts/stage.py"


rule judged_claims:
    """What papers report, judged against the study's curves; where the study names them."""
    input:
        TABLES,
    output:
        table=report(
            f"results/{STUDY}/claims.csv",
            caption="../report/claims.rst",
            category="Tables",
            labels={"model": "all"},
        ),
    log:
        f"logs/{STUDY}/claims.log",
    conda:
        ENVIRONMENT
    resources:
        claims=PLAN.claims,
    params:
        **table_stage("claims"),
    script:
        "../scripts/stage.py"


rule leads:
    """What leads over uniform nets are made of, and the answers to the study's plan."""
    input:
        TABLES,
    output:
        document=f"results/{STUDY}/leads.json",
        table=report(
            f"results/{STUDY}/leads.csv",
            caption="../report/leads.rst",
            category="Tables",
            labels={"model": "all"},
        ),
        page=report(
            f"results/{STUDY}/leads.md",
            caption="../report/leads.rst",
            category="Verdicts",
            labels={"cells": "leads taken apart"},
        ),
    log:
        f"logs/{STUDY}/leads.log",
    conda:
        ENVIRONMENT
    resources:
        plan=PLAN.questions,
    params:
        **table_stage("leads"),
    script:
        "../scripts/stage.py"


rule ranking:
    """Pruners under the study's budgets in order of accuracy, and which of them cannot be told apart."""
    input:
        TABLES,
    output:
        document=f"results/{STUDY}/ranking.json",
        table=report(
            f"results/{STUDY}/ranking.csv",
            caption="../report/ranking.rst",
            category="Tables",
            labels={"model": "all"},
        ),
        page=report(
            f"results/{STUDY}/ranking.md",
            caption="../report/ranking.rst",
            category="Verdicts",
            labels={"cells": "ranking"},
        ),
    log:
        f"logs/{STUDY}/ranking.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("ranking"),
    script:
        "../scripts/stage.py"


rule optimism_gap:
    """The same cells under both protocols: how much choosing by the test images flatters them."""
    input:
        **{
            protocol: f"results/{study}/{{model}}/comparison.csv"
            for study, protocol in PLAN.protocols.items()
        },
    output:
        **vector(f"results/{STUDY}/figures/optimism_{{model}}"),
        table=report(
            f"results/{STUDY}/{{model}}/optimism.csv",
            caption="../report/optimism.rst",
            category="Protocol",
            labels={"model": "{model}", "figure": "table"},
        ),
        png=report(
            f"results/{STUDY}/figures/optimism_{{model}}.png",
            caption="../report/optimism.rst",
            category="Protocol",
            labels={"model": "{model}", "figure": "optimism"},
        ),
    log:
        f"logs/{STUDY}/{{model}}/optimism.log",
    conda:
        ENVIRONMENT
    params:
        **table_stage("optimism"),
    script:
        "../scripts/stage.py"


rule page:
    """One HTML file in which a reader explores the study."""
    input:
        TABLES,
        verdicts=rules.verdicts.output.document,
    output:
        page=f"results/{STUDY}/page.html",
    log:
        f"logs/{STUDY}/page.log",
    conda:
        ENVIRONMENT
    resources:
        claims=PLAN.claims,
    params:
        **table_stage("page"),
    message:
        "The page of all cells of the study; of the finished cells alone: snakemake --cores 1 so_far"
    script:
        "../scripts/stage.py"
