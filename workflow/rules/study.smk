localrules:
    show_study,
    cost,


# Without outputs, as `cost`, so that they run whenever they are asked for.
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
