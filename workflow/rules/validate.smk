from filterbench.orchestration.targets import other_targets


localrules:
    validate,


def outdated_files(wildcards):
    """Listed files that the study does not ask for so.

    Snakemake asks when all that `validate` comes after is made; only then can it be listed.
    """
    list_files(workflow, FOLDERS)
    return outdated(workflow, FOLDERS)


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
