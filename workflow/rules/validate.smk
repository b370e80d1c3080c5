

localrules:
    validate,
    manifest,


# Without outputs, so that both run whenever they are requested.
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


rule manifest:
    """An entry for each file of the study that its manifest does not list, such as those of a run without hooks."""
    input:
        other_targets(workflow, "manifest"),
    log:
        f"logs/{STUDY}/manifest.log",
    conda:
        ENVIRONMENT
    params:
        added=lambda wildcards: list_unlisted(workflow, PLAN, FOLDERS),
        stage="stages.manifest",
    script:
        "../scripts/stage.py"
