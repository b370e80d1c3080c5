from filterbench.running.targets import other_targets


localrules:
    validate,
    cost,


# Without outputs, so that it runs whenever it is asked for.
rule validate:
    """Whether the study is whole and its documents hold together; nothing is made for it."""
    input:
        other_targets(workflow, "validate"),
    log:
        f"logs/{STUDY}/validate.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        partial=config.get("partial", False),
        stage="stages.validate",
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
