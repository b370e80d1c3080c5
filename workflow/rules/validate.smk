localrules:
    validate,


rule validate:
    """Check every document of the study, also those that a user put there by hand."""
    output:
        document=f"results/{STUDY}/validation.json",
    log:
        f"logs/{STUDY}/validate.log",
    conda:
        ENVIRONMENT
    params:
        study=STUDY,
        folder=lambda wildcards, output: str(Path(output.document).parent),
        documents=documents_digest,
        schemas=files_digest(sorted(SCHEMAS.glob("*.json"))),
        stage="validate",
        code=code_of("validate"),
    script:
        "../scripts/stage.py"
