localrules:
    validate,


def documents_digest(wildcards):
    """Digest of all documents as they are now, so that a changed or added one is checked anew."""
    return files_digest(documents_in(Path("results") / STUDY))


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
        folder=f"results/{STUDY}",
        documents=documents_digest,
        schemas=files_digest(sorted(SCHEMAS.glob("*.json"))),
        code=rule_digest("validate"),
    script:
        "../scripts/validate.py"
