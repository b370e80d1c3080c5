localrules:
    show_study,
    cost,
    so_far,
    recommend,


# All without outputs, so that they run whenever they are asked for.
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
    """What the study will take: jobs, images, hours on this machine, disk; nothing of it is run."""
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
    """Table, figure, verdicts and page of the cells that are made by now; nothing is made for it."""
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
    """Which pruner to take for an allowed loss of accuracy, from the cells that are made by now."""
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
