localrules:
    validate,


def judged(wildcards):
    """What else the command line asks for, so that it is made first."""
    targets = sorted(workflow.dag_settings.targets - {"validate"})
    named = [workflow.get_rule(target) for target in targets if workflow.is_rule(target)]
    files = [target for target in targets if not workflow.is_rule(target)]
    return [*files, *(str(file) for rule in named for file in (rule.output or rule.input))]


# Without outputs, so that it runs whenever it is asked for.
rule validate:
    """Whether the study is whole and its documents hold together; nothing is made for it."""
    input:
        judged,
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
