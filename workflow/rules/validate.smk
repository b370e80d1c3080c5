

localrules:
    validate,


# Without outputs, so that it runs whenever it is requested.
rule validate:
    """Whether the study is whole and its documents hold together; nothing is computed for it."""
    input:
        other_targets(workflow, "validate"),
    log:
        f"logs/{STUDY}/validate.log",
    conda:
        ENVIRONMENT
    params:
        config=config,
        partial=config.get("partial", False),
        root=there(""),
        outdated=outdated_files,
        stage="stages.validate",
    script:
        "../scripts/stage.py"
