localrules:
    show_study,
    cost,
    so_far,
    recommend,
    merge,
    claims,


# None has outputs, so that each runs whenever it is requested.
rule show_study:
    """The whole study as one file: with what it extends and what the command line sets."""
    log:
        f"logs/{STUDY}/show_study.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        stage="stages.show_study",
    script:
        "../scripts/stage.py"


rule cost:
    """Forecast of jobs, images, hours on this machine and disk; nothing of the study runs."""
    input:
        images=PLAN.images,
    log:
        f"logs/{STUDY}/cost.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        device=device,
        cores=lambda wildcards: workflow.cores or 1,
        stage="stages.cost",
    script:
        "../scripts/stage.py"


rule so_far:
    """Table, figure, verdicts and page of the cells that have been made; nothing is computed for it."""
    log:
        f"logs/{STUDY}/so_far.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        stage="stages.so_far",
    script:
        "../scripts/stage.py"


rule recommend:
    """Which pruner to take for an allowed loss of accuracy, from the cells that have been made."""
    log:
        f"logs/{STUDY}/recommend.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        drop=config.get("drop", 0.5),
        stage="stages.recommend",
    script:
        "../scripts/stage.py"


rule merge:
    """Results of the study from several machines, checked and side by side; the study's own stay as they are."""
    log:
        f"logs/{STUDY}/merge.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        stage="stages.merge",
    script:
        "../scripts/stage.py"


rule claims:
    """The audit of the table of reported points: no study, no training; it fails if there are findings."""
    log:
        "logs/audit/claims.log",
    conda:
        ENVIRONMENT
    params:
        claims=PLAN.claims,
        stage="stages.audit",
    script:
        "../scripts/stage.py"
